"""The second implementation, envelope-js: it agrees with the vectors, and Python opens what it seals."""

import json

import pytest

from tests.envelope.samples import DEK, KEY_ID, PK, SK, TENANT
from tests.javascript import ENVELOPE_JS, run_node
from tests.vectors.material import item_of
from twinvault.envelope import Label
from twinvault.envelope.item import from_item, open_found
from twinvault.envelope.suite import DerivationKey

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


def test_it_opens_all_positive_vectors_and_refuses_all_negative_ones_at_their_step():
    run = run_node("--test", "test/")
    assert run.returncode == 0, run.stdout
    assert "\n# fail 0\n" in run.stdout


@pytest.fixture(scope="module")
def sealed_by_javascript():
    context = {"table": "records", "tenant": TENANT, "pk": PK, "sk": SK, "keyId": KEY_ID, "clear": CLEAR}
    requests = [
        {"plaintext": text.hex(), "key": DEK.hex(), "label": Label.RECORD.value, "context": context}
        for text in PLAINTEXTS
    ]
    run = run_node("interop/seal.js", given=json.dumps(requests))
    assert run.returncode == 0, run.stderr
    return [item_of(item) for item in json.loads(run.stdout)]


def test_python_opens_what_javascript_seals(sealed_by_javascript):
    for item, plaintext in zip(sealed_by_javascript, PLAINTEXTS, strict=True):
        found = from_item(item, table="records", tenant=TENANT, pk=PK)
        assert open_found(found, key=DerivationKey(DEK), label=Label.RECORD).plaintext == plaintext


def test_javascript_draws_its_randomness_for_each_record(sealed_by_javascript):
    for name in ("content_salt", "content_nonce", "key_commitment"):
        assert len({item[name]["B"] for item in sealed_by_javascript}) == len(PLAINTEXTS)


def test_it_uses_nothing_but_what_a_browser_has_and_one_hash():
    package = json.loads((ENVELOPE_JS / "package.json").read_text())
    assert list(package["dependencies"]) == ["@noble/hashes"]
    assert not {"devDependencies", "peerDependencies", "optionalDependencies"} & package.keys()
    allowed = ('"./', '"@noble/hashes/sha3.js"')
    for path in (ENVELOPE_JS / "src").glob("*.js"):
        lines = path.read_text().splitlines()
        imports = [
            line for line in lines if line.startswith("import ") or (" from " in line and line.startswith("export "))
        ]
        assert all(any(module in line for module in allowed) for line in imports), path.name
        assert not any(word in line for word in ("require(", "Buffer", "process.", "node:") for line in lines), (
            path.name
        )


def test_its_lock_file_pins_by_hash_and_names_no_address():
    lock = json.loads((ENVELOPE_JS / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert set(packages) == {"node_modules/@noble/hashes"}
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
