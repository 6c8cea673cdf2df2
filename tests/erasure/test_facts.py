"""What an erasure did, as one text."""

import json
from dataclasses import replace

import pytest

from twinvault.erasure.facts import Erased, ErasedKey, decode
from twinvault.errors import IntegrityError, Step

PARTITION = Erased(
    kind="club",
    partition="c-1",
    erased_at="2026-11-30T20:00:00.000000Z",
    event_id="01975e35-0000-7000-8000-000000000001",
    head_version=7,
    tombstone_digest="ab" * 32,
    keys=(ErasedKey(name="dek#club#c-1#000001", version=1, epoch=1),),
    newest_epoch=2,
    records={"person": 3, "guest": 1},
    dynamodb_request_ids=("R1", "R2"),
    kms_request_ids=("K1",),
    refused_by="integrity: missing key",
)
TENANT = replace(PARTITION, kind=None, partition=None, head_version=None, records=None)


@pytest.mark.parametrize("erased", [PARTITION, TENANT, replace(PARTITION, records=None, keys=())])
def test_what_is_encoded_is_decoded(erased: Erased) -> None:
    assert decode(erased.encode()).encode() == erased.encode()
    assert decode(erased.encode()) == erased


@pytest.mark.parametrize(
    "change",
    [
        {"erased_at": "yesterday"},
        {"event_id": "x"},
        {"head_version": None},
        {"head_version": -1},
        {"tombstone_digest": "AB" * 32},
        {"keys": [{"name": "dek#club#c-1#000001", "version": True, "epoch": 1}]},
        {"newest_epoch": None},
        {"records": {"person": 1.0}},
        {"refused_by": ""},
        {"kind": "Club"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_no_erasure_encodes_to_is_refused(change: dict[str, object]) -> None:
    text = json.dumps(json.loads(PARTITION.encode()) | change, separators=(",", ":"))
    with pytest.raises(IntegrityError) as refused:
        decode(text)
    assert refused.value.step is Step.TOMBSTONE


def test_one_erasure_has_one_text() -> None:
    with pytest.raises(IntegrityError):
        decode(PARTITION.encode().replace(",", ", "))
    with pytest.raises(IntegrityError):
        decode("[]")
