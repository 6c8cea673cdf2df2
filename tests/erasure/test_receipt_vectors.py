"""The vectors of receipts: what the writer makes of their contents, and what the verifier says of their files."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinvault.audit.elements import canonical_json
from twinvault.erasure.receipt import receipt_digest, standing, verify_receipt
from twinvault.errors import BrokenReceipt

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "receipts.json").read_text())
KEY, OTHER = (bytes.fromhex(key["public_key"]) for key in VECTORS["keys"])


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@pytest.mark.parametrize("vector", named(VECTORS["receipts"]))
def test_a_good_receipt_verifies_and_says_how_the_erasure_stands(vector: dict[str, Any]) -> None:
    content = verify_receipt(vector["file"].encode(), public_key=KEY)
    assert content == vector["content"]
    assert canonical_json(content).decode() == vector["payload"]
    assert receipt_digest(content).hex() == vector["digest"]
    assert vector["signature_input"] == b"twinvault/v1/receipt-signature\0".hex() + vector["digest"]
    for then in vector["standing"]:
        assert standing(content, now=then["now"]) == then["standing"]
    with pytest.raises(BrokenReceipt) as broken:
        verify_receipt(vector["file"].encode(), public_key=OTHER)
    assert broken.value.step == "3 signature"


@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_what_is_no_receipt_of_this_key_is_refused_by_its_step(vector: dict[str, Any]) -> None:
    with pytest.raises(BrokenReceipt) as broken:
        verify_receipt(vector["file"].encode(errors="surrogatepass"), public_key=KEY)
    assert broken.value.step == vector["step"]


def test_the_names_of_the_vectors_are_unique_and_every_step_but_the_size_has_one() -> None:
    for vectors in (VECTORS["receipts"], VECTORS["refused"]):
        assert len({vector["name"] for vector in vectors}) == len(vectors)
    assert {vector["step"] for vector in VECTORS["refused"]} == {"2 form", "3 signature", "4 content"}
