"""An export is migrated into the twin, where the policies of a function that writes are in force."""

import json
from pathlib import Path

import pytest
from test_command import run
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

KINDS = """
from twinvault import Clear, Kind, Record


class Note(Record, sk="note#{number:04d}"):
    number: Clear[int]
    text: str


FILE = Kind("migrated", [Note])
"""
RULE = {
    "kind": "migrated",
    "entity": "note",
    "tenant": "moving",
    "hidden": "{file}",
    "fields": {"number": "number", "text": "text"},
}


def test_an_export_is_migrated_with_the_rights_of_a_function_that_writes(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "notes_to_migrate.py").write_text(KINDS)
    items = [{"file": {"S": f"f-{at % 3}"}, "number": {"N": str(at)}, "text": {"S": "secret"}} for at in range(9)]
    (tmp_path / "notes.ndjson").write_text("\n".join(json.dumps({"Item": item}) for item in items))
    told = json.loads(run(vault, "env", "--as", "import", "--json").stdout)
    tables = {name: told[f"TWINVAULT_{name.upper()}_TABLE"] for name in ("records", "keys", "marks", "audit")}
    mapping = {
        "kinds": ["notes_to_migrate:FILE"],
        "store": {"name": "twinvault-dev", "root_keys": told["TWINVAULT_ROOT_KEYS"].split(","), **tables},
        "source": {"export": "notes.ndjson"},
        "record": [RULE],
    }
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(mapping))
    environment = {name: value for name, value in told.items() if value is not None}
    done = run(vault, "migrate", str(path), "--principal", "op-7", "--units", "5000", "--json", **environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["records"], report["written"], report["compared"]) == (9, 9, 9)
