"""Which pages may call the API of stage dev: what cdk.json says, and what docs/inner-loop.md says of it."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_names_the_hosts_and_ports_of_the_stage() -> None:
    stage = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["stages"]["dev"]
    page = " ".join((ROOT / "docs" / "inner-loop.md").read_text(encoding="utf-8").split())
    said = re.search(r"whose origin is `([^`]+)` or `([^`]+)` on port ([0-9, or]+),", page)
    assert said
    ports = re.findall("[0-9]+", said[3])
    assert sorted(stage["cors_origins"]) == sorted(f"{host}:{port}" for host in said.groups()[:2] for port in ports)
