"""The second implementation, envelope-js: it agrees with the vectors, and Python opens what it seals."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.envelope.samples import DEK, KEY_ID, PK, SHAPE, SK, TENANT
from tests.vectors.material import item_of
from twinvault.envelope import Label, open_sealed
from twinvault.envelope.item import from_item

ENVELOPE_JS = Path(__file__).parent.parent.parent / "envelope-js"
NODE = shutil.which("node")
CLEAR = {
    "tenant_id": {"S": TENANT},
    "entity_type": {"S": "perspective"},
    "version": {"N": "1"},
    "format": {"N": "1"},
    "status": {"S": "öffen 🔑"},
    "round": {"N": "1.50E+1"},
    "calibrated": {"BOOL": True},
}
PLAINTEXTS = [b"", b"{}", '{"label":"Ключ 🔑"}'.encode(), b"x" * 253, bytes(200_000)]


def _node(*arguments, given=None):
    # Node 20 is a requirement of the project (README): its absence is a failure, not a skip.
    assert NODE, "node is not on PATH; install Node 20 or newer"
    return subprocess.run(
        [NODE, *arguments], cwd=ENVELOPE_JS, check=False, input=given or "", capture_output=True, text=True, timeout=120
    )


def test_it_opens_all_positive_vectors_and_refuses_all_negative_ones_at_their_step():
    run = _node("--test", "test/")
    assert run.returncode == 0, run.stdout
    assert "\n# fail 0\n" in run.stdout


@pytest.fixture(scope="module")
def sealed_by_javascript():
    context = {"table": "records", "tenant": TENANT, "pk": PK, "sk": SK, "keyId": KEY_ID, "clear": CLEAR}
    requests = [
        {"plaintext": text.hex(), "key": DEK.hex(), "label": Label.RECORD.value, "context": context}
        for text in PLAINTEXTS
    ]
    run = _node("interop/seal.js", given=json.dumps(requests))
    assert run.returncode == 0, run.stderr
    return [item_of(item) for item in json.loads(run.stdout)]


def test_python_opens_what_javascript_seals(sealed_by_javascript):
    for item, plaintext in zip(sealed_by_javascript, PLAINTEXTS, strict=True):
        context, sealed = from_item(item, table="records", tenant=TENANT, pk=PK, shape=SHAPE)
        assert open_sealed(sealed, key=DEK, label=Label.RECORD, context=context).plaintext == plaintext


def test_javascript_draws_its_randomness_for_each_record(sealed_by_javascript):
    for name in ("content_salt", "content_nonce", "key_commitment"):
        assert len({item[name]["B"] for item in sealed_by_javascript}) == len(PLAINTEXTS)


def test_it_uses_nothing_but_what_a_browser_has():
    package = json.loads((ENVELOPE_JS / "package.json").read_text())
    assert not {"dependencies", "devDependencies", "peerDependencies"} & package.keys()
    for path in (ENVELOPE_JS / "src").glob("*.js"):
        lines = path.read_text().splitlines()
        imports = [
            line for line in lines if line.startswith("import ") or (" from " in line and line.startswith("export "))
        ]
        assert all('"./' in line for line in imports), path.name
        assert not any(word in line for word in ("require(", "Buffer", "process.", "node:") for line in lines), (
            path.name
        )
