"""Sub-keys of the index key, opaque ids and fingerprints: the vectors, computed here from the page by hand."""

import base64
import hmac
import json

import pytest

from tests.vectors.generate import FOLDER
from twinvault.envelope import Label
from twinvault.envelope.subkeys import blind_key, cursor_key, fingerprint, partition_id_key, request_key
from twinvault.envelope.suite import DerivationKey, kdf
from twinvault.records.blind import Blind, Blinder, casefold_nfc
from twinvault.records.opaque import opaque_id

SUBKEYS = json.loads((FOLDER / "subkeys.json").read_text())
INDEX_KEY = bytes.fromhex(SUBKEYS["index_key"])


def _hmac_sha_512(key: bytes, kdf_input: str) -> str:
    return hmac.digest(key, bytes.fromhex(kdf_input), "sha512").hex()


def _joined(*parts: str) -> bytes:
    return b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)


@pytest.mark.parametrize("vector", SUBKEYS["kdf"], ids=lambda vector: f"{vector['bits']} bits")
def test_the_kdf(vector):
    key, context, output = (bytes.fromhex(vector[name]) for name in ("key", "context", "output"))
    assert kdf(DerivationKey(key), label=vector["label"].encode(), context=context, bits=vector["bits"]) == output
    first = _hmac_sha_512(key, vector["kdf_input"])
    assert output.hex().startswith(first) or first.startswith(output.hex())


@pytest.mark.parametrize(
    "vector", SUBKEYS["sub_keys"], ids=lambda vector: " ".join([vector["label"], *vector["parts"]])
)
def test_a_sub_key(vector):
    made = {
        "partition-id": lambda kind: partition_id_key(INDEX_KEY, kind),
        "blind": lambda generation, kind, entity, field: blind_key(
            INDEX_KEY, generation=int(generation), kind=kind, entity=entity, field=field
        ),
        "cursor": lambda: cursor_key(INDEX_KEY),
        "request": lambda: request_key(INDEX_KEY),
    }[vector["label"].rpartition("/")[2]](*vector["parts"])
    assert made.hex() == vector["key"] == _hmac_sha_512(INDEX_KEY, vector["kdf_input"])[:64]
    context = _joined(*vector["parts"])
    assert vector["context"] == context.hex()
    message = b"\0\0\0\1" + vector["label"].encode() + b"\0" + context + (256).to_bytes(4)
    assert vector["kdf_input"] == message.hex()


@pytest.mark.parametrize("vector", SUBKEYS["partition_ids"], ids=lambda vector: vector["partition"])
def test_an_opaque_partition_id(vector):
    mac = hmac.digest(bytes.fromhex(vector["sub_key"]), vector["id"].encode(), "sha256")
    assert base64.b32encode(mac).decode().lower()[:26] == vector["partition"]
    assert opaque_id(vector["id"], kind=vector["kind"], index_key=INDEX_KEY) == vector["partition"]


@pytest.mark.parametrize("vector", SUBKEYS["blind_indexes"], ids=lambda vector: vector["name"])
def test_a_blind_index(vector):
    name, kind = vector["field"], vector["kind"]
    part = {"entity": vector["entity"], "field": name}
    sub_key = blind_key(INDEX_KEY, generation=vector["generation"], kind=kind, **part)
    assert sub_key.hex() == vector["sub_key"]
    mac = hmac.digest(sub_key, _typed(vector["normalized"]), "sha256")
    assert base64.b32encode(mac).decode().lower()[: vector["bits"] // 5] == vector["blind_index"]
    assert _typed(vector["normalized"]).hex() == vector["hmac_input"]
    blind = Blind(slot=2, normalize=casefold_nfc, bits=vector["bits"])
    ((form, written),) = vector["value"].items()
    fields = {name: int(written) if form == "N" else written}
    blinder = Blinder(INDEX_KEY, vector["generation"], kind)
    made = blinder.attributes(vector["entity"], {name: blind}, fields=fields)
    assert made == {"bi_2": vector["blind_index"]}


def _typed(value):
    """Type byte and bytes, as the page's AAD has them."""
    match value:
        case {"S": text}:
            return b"\1" + text.encode()
        case {"BOOL": truth}:
            return b"\3" + (b"\1" if truth else b"\0")
        case {"N": "0"}:
            return b"\2" + b"0"
        case {"N": text}:
            stripped = text.rstrip("0")
            return b"\2" + f"{stripped}e{len(text) - len(stripped)}".encode()


@pytest.mark.parametrize("vector", SUBKEYS["fingerprints"], ids=lambda vector: vector["sk"])
def test_a_fingerprint(vector):
    key, tenant, sk = bytes.fromhex(vector["key"]), vector["tenant"], vector["sk"]
    message = b"\0\0\0\1twinvault/v1/fingerprint\0" + _joined(tenant, sk) + (256).to_bytes(4)
    assert vector["kdf_input"] == message.hex()
    assert fingerprint(key, tenant=tenant, sk=sk).hex() == vector["fingerprint"]
    assert vector["fingerprint"] == _hmac_sha_512(key, vector["kdf_input"])[:64]


def test_no_two_uses_of_a_key_give_one_output():
    """Labels hold no zero byte, so that the first one ends them, and no label is another's."""
    labels = [label.value for label in Label] + [vector["label"] for vector in SUBKEYS["sub_keys"]]
    labels.append("twinvault/v1/fingerprint")
    assert all("\0" not in label and label.isascii() for label in labels)
    derived = [vector["key"] for vector in SUBKEYS["sub_keys"]]
    derived += [vector["fingerprint"] for vector in SUBKEYS["fingerprints"]]
    assert len(set(derived)) == len(derived)


def test_where_one_part_ends_and_the_next_begins_is_bound():
    one = blind_key(INDEX_KEY, generation=1, kind="ab", entity="c", field="d")
    assert one != blind_key(INDEX_KEY, generation=1, kind="a", entity="bc", field="d")
    assert one != blind_key(INDEX_KEY, generation=11, kind="b", entity="c", field="d")
