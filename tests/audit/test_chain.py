"""The bytes of an entry, pinned: a chain that was written must verify for ever."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.audit.activity import Activity, head_seen
from twinvault.audit.chain import (
    GENESIS,
    Closed,
    CryptoCount,
    Event,
    HeadSeen,
    canonical_json,
    entry_digest,
    make_entry,
)
from twinvault.audit.ids import uuid7
from twinvault.errors import IntegrityError, Step

EVENT = Event(
    event_id="019b76a0-1111-7222-8333-444444444444",
    time="2026-01-02T03:04:05.678901Z",
    trace_id="1-aa-bb",
    span_id="cc",
    principal="auth0|\u00e9",
    tenant="acme",
    action="report.read",
    outcome="success",
    crypto=(CryptoCount("decrypt", "dek#report#p1#000001", "success", 3),),
    heads=(HeadSeen("ab" * 32, 7, "cd" * 32),),
    kms_request_ids=("r-1",),
)
GOLDEN = (
    '{"action":"report.read","chain":"c1","crypto":[{"key":"dek#report#p1#000001","n":3,"op":"decrypt",'
    '"outcome":"success"}],"event":"019b76a0-1111-7222-8333-444444444444","heads":[{"commitment":"' + "cd" * 32 + '",'
    '"partition":"' + "ab" * 32 + '","version":7}],"kms":["r-1"],"outcome":"success","prev":"' + "00" * 32 + '",'
    '"principal":"auth0|\\u00e9","seq":1,"span":"cc","tenant":"acme","time":"2026-01-02T03:04:05.678901Z",'
    '"trace":"1-aa-bb","v":1}'
)
GOLDEN_DIGEST = "f153ef851588fa167e15cbb429a96b1685c9a26048399d36fe04feb4d4697a99"


def test_an_entrys_bytes_and_digest_are_pinned() -> None:
    entry = make_entry(EVENT, chain="c1", seq=1, previous=GENESIS)
    assert entry.encoded.decode() == GOLDEN
    assert entry.digest.hex() == GOLDEN_DIGEST
    assert entry.digest == hashlib.sha256(b"twinvault/v1/audit\x00" + GOLDEN.encode()).digest()
    assert entry.key == ("chain#c1", "000000000001")


def test_each_entry_holds_its_predecessors_digest() -> None:
    first = make_entry(EVENT, chain="c1", seq=1, previous=GENESIS)
    second = make_entry(EVENT, chain="c1", seq=2, previous=first.digest)
    assert json.loads(second.encoded)["prev"] == first.digest.hex()


def test_a_first_entry_names_the_chains_that_it_continues() -> None:
    entry = make_entry(EVENT, chain="c2", seq=1, previous=GENESIS, continues=[Closed("c1", 9, "ef" * 32)])
    assert json.loads(entry.encoded)["continues"] == [{"candidate": "ef" * 32, "chain": "c1", "seq": 9}]


def test_a_failed_check_is_named_with_the_hash_of_its_row() -> None:
    activity = Activity(tenant="acme", principal="subject", action="report.read", deadline=0.0)
    error = IntegrityError(Step.COMMITMENT, where="tenant#acme#report#p1/line#0001")
    event = activity.event("failure", event_id="e", time="t", error=error)
    content = json.loads(make_entry(event, chain="c", seq=1, previous=GENESIS).encoded)
    assert content["check"] == "5 commitment"
    assert content["row"] == hashlib.sha256(error.where.encode()).hexdigest()
    assert error.where not in json.dumps(content)


@pytest.mark.parametrize(
    "change",
    [
        {"principal": "other"},
        {"tenant": "bolt"},
        {"action": "x"},
        {"outcome": "denied"},
        {"time": "2026"},
        {"trace_id": "1-aa-b", "span_id": "bcc"},
        {"crypto": ()},
        {"heads": ()},
        {"kms_request_ids": ("r", "-1")},
        {"check": "x"},
    ],
    ids=" ".join,
)
def test_whatever_is_changed_changes_the_digest(change: dict[str, object]) -> None:
    from dataclasses import replace

    first = make_entry(EVENT, chain="c1", seq=1, previous=GENESIS)
    assert make_entry(replace(EVENT, **change), chain="c1", seq=1, previous=GENESIS).digest != first.digest  # type: ignore[arg-type]


@given(st.text(), st.text(), st.text())
def test_any_text_makes_ascii_bytes_that_read_back(chain: str, principal: str, action: str) -> None:
    from dataclasses import replace

    event = replace(EVENT, principal=principal, action=action)
    entry = make_entry(event, chain=chain, seq=1, previous=GENESIS)
    content = json.loads(entry.encoded)
    assert (content["chain"], content["principal"], content["action"]) == (chain, principal, action)
    assert canonical_json(content) == entry.encoded
    assert entry_digest(canonical_json(content)) == entry.digest
    entry.encoded.decode("ascii")


def test_an_activity_counts_operations_and_keeps_the_latest_head_of_each_partition() -> None:
    activity = Activity(tenant="acme", principal="subject", action="report.read", deadline=0.0)
    for _ in range(3):
        activity.crypto("decrypt", "dek#1")
    activity.crypto("decrypt", "dek#1", outcome="failure")
    activity.kms_call("r-1")
    activity.kms_call("")
    activity.head("pk", version=1, commitment=b"a" * 32)
    activity.head("pk", version=2, commitment=b"b" * 32)
    event = activity.event("success", event_id="e", time="t")
    assert event.crypto == (
        CryptoCount("decrypt", "dek#1", "failure", 1),
        CryptoCount("decrypt", "dek#1", "success", 3),
    )
    assert event.heads == (head_seen("pk", version=2, commitment=b"b" * 32),)
    assert event.kms_request_ids == ("r-1",)
    activity.settled()
    assert activity.event("success", event_id="e", time="t").crypto == ()


def test_the_head_that_an_event_writes_is_not_remembered() -> None:
    activity = Activity(tenant="acme", principal="subject", action="report.write", deadline=0.0)
    activity.head("pk", version=1, commitment=b"a" * 32)
    wrote = activity.event("success", event_id="e", time="t", wrote=head_seen("pk", version=2, commitment=b"b" * 32))
    assert [head.version for head in wrote.heads] == [2]
    assert [head.version for head in activity.event("failure", event_id="e", time="t").heads] == [1]


def test_an_event_id_is_a_uuid_of_version_seven_that_sorts_by_time() -> None:
    import uuid

    made = uuid7(0x0123456789AB, bytes(range(10)))
    parsed = uuid.UUID(made)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert made.startswith("01234567-89ab-7")
    assert uuid7(1, b"\xff" * 10) < uuid7(2, bytes(10))
    assert uuid7(1, bytes(10)) != uuid7(1, bytes(9) + b"\x01")
