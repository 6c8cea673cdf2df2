"""What a receipt says and does not say, and from when on an erasure is irrecoverable."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.vectors.receipts import ERASED_AT, FINAL, FINALIZED_AT, KEPT, RECEIPT, SEED, public_key, signed
from twinvault.erasure.horizon import BACKUPS, MEMORY, RECOVERY, ROOT_KEY, horizon, is_final
from twinvault.erasure.receipt import (
    ERASED,
    MAX_RECEIPT_BYTES,
    NOT_COVERED,
    REFUSED,
    ErasureStanding,
    signed_file,
    standing,
    verify_receipt,
)
from twinvault.errors import BrokenReceipt

KEY = bytes.fromhex(public_key(SEED))


def step_of(file: bytes, key: bytes = KEY) -> str:
    with pytest.raises(BrokenReceipt) as broken:
        verify_receipt(file, public_key=key)
    return broken.value.step.value


def bounds(**kept: Any) -> dict[str, str]:
    return {bound.what: bound.until for bound in horizon(FINALIZED_AT, replace(KEPT, **kept)).bounds}


def test_while_an_epoch_lives_there_is_no_time_and_it_is_not_called_erased() -> None:
    content = RECEIPT.content()
    assert (content["status"], content["irrecoverable_after"], content["bounds"]) == (REFUSED, None, [])
    assert ERASED not in content["status"]
    for now in (ERASED_AT, "2999-01-01T00:00:00.000000Z"):
        assert standing(content, now=now) is ErasureStanding.REFUSED, "no time makes up for a living epoch"


def test_once_no_epoch_lives_it_is_the_latest_of_all_that_may_hold_a_copy() -> None:
    assert bounds() == {RECOVERY: "2026-12-08T08:16:00.000000Z", MEMORY: "2026-12-01T08:21:30.000000Z"}
    assert horizon(FINALIZED_AT, KEPT).irrecoverable_after == "2026-12-08T08:16:00.000000Z"
    hours = replace(KEPT, key_ttl_seconds=3600, longest_seconds=900)
    assert {bound.what: bound.until for bound in horizon(FINALIZED_AT, hours).bounds}[MEMORY] > FINALIZED_AT[:13]
    assert horizon(FINALIZED_AT, replace(KEPT, backup_days=90)).irrecoverable_after == "2027-03-01T08:16:00.000000Z"
    root = ["2027-06-01T00:00:00Z", "2027-05-01T00:00:00Z"]
    late = horizon(FINALIZED_AT, KEPT, root_deletions=root)
    assert late.irrecoverable_after == "2027-06-01T00:00:00.000000Z"
    assert [bound.what for bound in late.bounds].count(ROOT_KEY) == 2


def test_backups_count_only_where_some_are_declared() -> None:
    assert BACKUPS not in bounds(backup_days=0)
    assert bounds(backup_days=1)[BACKUPS] == "2026-12-02T08:16:00.000000Z"


def test_a_time_in_another_zone_is_the_same_time() -> None:
    berlin = horizon("2026-12-01T09:15:00+01:00", KEPT)
    assert berlin == horizon(FINALIZED_AT, KEPT)


@pytest.mark.parametrize(
    ("newest", "lowest", "final"),
    [(1, 1, False), (1, 2, True), (3, 3, False), (3, 2, False), (3, 4, True)],
)
def test_it_is_final_when_no_epoch_lives_that_lived_at_the_erasure(newest: int, lowest: int, *, final: bool) -> None:
    assert is_final(newest, lowest_epoch=lowest) is final


def test_at_the_very_time_it_is_not_yet_and_a_microsecond_later_it_is() -> None:
    content = FINAL.content()
    after = content["irrecoverable_after"]
    assert standing(content, now=after) is ErasureStanding.NOT_YET
    assert standing(content, now=after[:-2] + "1Z") is ErasureStanding.IRRECOVERABLE


def test_every_receipt_says_what_it_does_not_cover() -> None:
    for receipt in (RECEIPT, FINAL):
        assert receipt.content()["not_covered"] == list(NOT_COVERED)
    said = " ".join(NOT_COVERED)
    for word in ("plaintext", "exports", "CloudTrail", "blind indexes", "memory", "does not declare"):
        assert word in said


def test_no_content_and_no_partition_in_the_clear_but_by_its_keys_name() -> None:
    content = FINAL.content()
    assert "partition" not in content
    assert content["keys"] == [{"name": one.name, "version": 1, "epoch": 1} for one in FINAL.erased.keys]


def test_any_text_of_the_same_json_verifies_and_any_change_of_a_byte_does_not() -> None:
    file = signed(FINAL.content())
    for text in (json.dumps(file), json.dumps(file, indent=4), json.dumps(dict(reversed(file.items())))):
        assert verify_receipt(text.encode(), public_key=KEY) == FINAL.content()
    text = json.dumps(file)
    for place in range(0, len(text), 7):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        step_of(changed.encode())


def test_a_name_that_occurs_twice_is_refused() -> None:
    text = json.dumps(signed(FINAL.content())).replace('"v": 1', '"v": 2, "v": 1')
    assert step_of(text.encode()) == "2 form"


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    padded = json.dumps(signed(FINAL.content())).encode().ljust(MAX_RECEIPT_BYTES)
    assert verify_receipt(padded, public_key=KEY)
    assert step_of(padded + b" ") == "1 size"


@pytest.mark.parametrize(
    "file",
    [b"\xff", b"[" * 100_000, b'{"receipt": {}, "signature": 1}', b"1" * 5000],
    ids=["no UTF-8", "nested without end", "a number", "a long number"],
)
def test_whatever_bytes_there_are_only_our_error_comes_out(file: bytes) -> None:
    assert step_of(file) == "2 form"


@pytest.mark.parametrize("key", [b"", b"x" * 31, bytes(32), b"x" * 33])
def test_what_is_no_key_verifies_nothing(key: bytes) -> None:
    assert step_of(json.dumps(signed(FINAL.content())).encode(), key) == "3 signature"


def test_what_is_handed_out_is_content_and_signature() -> None:
    content = FINAL.content()
    assert signed_file(content, bytes(64)) == {"receipt": content, "signature": "00" * 64}
