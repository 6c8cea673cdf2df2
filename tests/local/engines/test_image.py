"""The image and the Compose files say the same as the code that uses them."""

import re
from pathlib import Path

from twinvault_local.engines import dynamodb, image
from twinvault_local.engines.in_docker import DYNAMODB_IMAGE
from twinvault_local.machine.checkout import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
STATE = (ROOT / "local" / "twin" / "compose.state.yml").read_text(encoding="utf-8")


def test_the_images_name_covers_all_that_the_dockerfile_copies() -> None:
    dockerfile = (ROOT / image.DOCKERFILE).read_text(encoding="utf-8").replace("\\\n", " ")
    copied = [word for line in re.findall(r"^COPY (.*)$", dockerfile, re.MULTILINE) for word in line.split()[:-1]]
    assert sorted(copied) == sorted(image.INPUTS)
    assert all((ROOT / name).exists() for name in image.INPUTS)


def test_whatever_the_dockerfile_copies_reaches_the_engine() -> None:
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(let_through) == sorted(image.INPUTS)


def test_the_images_name_is_the_same_until_a_source_changes(monkeypatch, tmp_path: Path) -> None:
    assert image.tag() == image.tag()
    for name in (image.DOCKERFILE, ".dockerignore", *image.INPUTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setattr(image, "ROOT", tmp_path)
    before = image.tag()
    (tmp_path / "local/twin/twinvault_local/issuer.py").write_bytes(b"changed")
    assert image.tag() != before


def test_both_routes_run_the_same_dynamodb_local() -> None:
    assert f"image: {DYNAMODB_IMAGE}\n" in COMPOSE
    assert DYNAMODB_IMAGE.endswith(dynamodb.VERSION)


def test_every_port_is_published_on_this_machine_alone() -> None:
    ports = re.findall(r'^\s+- ("[^"]*:\d+")$', COMPOSE + STATE, re.MULTILINE)
    assert len(ports) == 5
    assert all(port.startswith('"127.0.0.1:') for port in ports)


def test_every_variable_without_a_default_is_given_by_the_twin() -> None:
    needed = set(re.findall(r"\$\{(\w+)\}", COMPOSE + STATE))
    given = set(
        re.findall(r'"(TWINVAULT_\w+)":', (ROOT / "local/twin/twinvault_local/engines/in_docker.py").read_text())
    )
    assert needed <= given
