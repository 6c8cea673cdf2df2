"""The ledger: each new thing once, whole lines alone, and a file that ends growing."""

import json
import resource
import stat
from pathlib import Path
from typing import Any

import pytest

from twinvault_serving.ledger import MOST_VALUES, BadLedgerError, CallLedger, RecordedCall, recorded


def a_call(**changed: Any) -> RecordedCall:
    plain: dict[str, Any] = {
        "caller": "read",
        "principal": "arn:aws:iam::000000000000:role/read",
        "action": "dynamodb:Query",
        "resource": "arn:aws:dynamodb:eu-central-1:000000000000:table/records",
        "facts": {"dynamodb:leadingkeys": ("tenant#a",), "dynamodb:select": ("ALL_ATTRIBUTES",)},
        "verdict": "allow",
        "by": "identity",
    }
    return RecordedCall(**plain | changed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "gate.jsonl"


def noted(path: Path, *calls: RecordedCall) -> list[RecordedCall]:
    ledger = CallLedger(path)
    for call in calls:
        ledger.note(call)
    ledger.close()
    return list(recorded(path))


def test_a_call_comes_back_as_it_was_noted(path: Path):
    assert noted(path, a_call()) == [a_call()]
    assert json.loads(path.read_text())["facts"] == {
        "dynamodb:leadingkeys": ["tenant#a"],
        "dynamodb:select": ["ALL_ATTRIBUTES"],
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"principal": "arn:aws:iam::000000000000:role/keys"}, id="caller"),
        pytest.param({"action": "dynamodb:GetItem"}, id="action"),
        pytest.param({"resource": "arn:aws:dynamodb:eu-central-1:000000000000:table/keys"}, id="resource"),
        pytest.param({"facts": {"dynamodb:leadingkeys": ("tenant#a",)}}, id="fewer facts"),
        pytest.param(
            {"facts": {"dynamodb:leadingkeys": ("b",), "dynamodb:select": ("ALL_ATTRIBUTES",)}}, id="another value"
        ),
        pytest.param({"verdict": "deny"}, id="verdict"),
        pytest.param({"by": "resource"}, id="what decided"),
    ],
)
def test_each_thing_is_written_once_and_what_differs_is_another(path: Path, change: dict[str, Any]):
    other = a_call(**change)
    assert noted(path, a_call(), a_call(), other, a_call(), other) == [a_call(), other]


def test_what_stands_there_already_is_not_written_again(path: Path):
    noted(path, a_call())
    assert noted(path, a_call(), a_call(verdict="deny")) == [a_call(), a_call(verdict="deny")]


def test_values_without_end_do_not_let_the_file_grow_without_end(path: Path):
    calls = [a_call(facts={"dynamodb:leadingkeys": (f"tenant#{number}",)}) for number in range(10 * MOST_VALUES)]
    assert noted(path, *calls, *calls) == calls[:MOST_VALUES]


def test_a_rare_value_is_written_although_another_fact_has_had_its_many(path: Path):
    contexts = [
        a_call(facts={"kms:encryptioncontext:key": (str(number),), "kms:encryptioncontext:purpose": ("kek",)})
        for number in range(2 * MOST_VALUES)
    ]
    rare = a_call(facts={"kms:encryptioncontext:key": ("another",), "kms:encryptioncontext:purpose": ("register",)})
    assert noted(path, *contexts, rare)[-1] == rare


def test_its_owner_alone_may_read_it(path: Path):
    noted(path, a_call())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_line_that_a_crash_broke_off_is_left_out_and_written_over(path: Path):
    noted(path, a_call())
    with path.open("a") as file:
        file.write('{"caller": "arn')
    assert list(recorded(path)) == [a_call()]
    assert noted(path, a_call(verdict="deny")) == [a_call(), a_call(verdict="deny")]


def test_nothing_follows_a_line_that_a_full_disk_broke_off(path: Path):
    """A full disk takes a part of a line, and says so by the count alone; what came next was one line with it."""
    ledger = CallLedger(path)
    ledger.note(a_call())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
    try:
        ledger.note(a_call(action="dynamodb:Scan"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    ledger.note(a_call(action="dynamodb:GetItem"))
    assert list(recorded(path)) == [a_call()]
    CallLedger(path).note(a_call(action="dynamodb:Scan"))
    assert [one.action for one in recorded(path)] == ["dynamodb:Query", "dynamodb:Scan"]


def test_without_a_path_nothing_is_written(tmp_path: Path):
    ledger = CallLedger(None)
    ledger.note(a_call())
    assert not list(tmp_path.iterdir())


def test_there_may_be_no_file_yet(path: Path):
    assert list(recorded(path)) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not JSON\n", id="not JSON"),
        pytest.param(b"[]\n", id="not an object"),
        pytest.param(b"{}\n", id="nothing in it"),
        pytest.param(a_call().line().replace("allow", "\xff").encode("latin-1") + b"\n", id="not UTF-8"),
        pytest.param(json.dumps(json.loads(a_call().line()) | {"more": "x"}).encode() + b"\n", id="more in it"),
        pytest.param(json.dumps(json.loads(a_call().line()) | {"action": 1}).encode() + b"\n", id="a number"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused(path: Path, content: bytes):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(BadLedgerError, match=r"gate\.jsonl"):
        CallLedger(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "ledger").write_text("a file where the folder should be")
    with pytest.raises(BadLedgerError):
        CallLedger(tmp_path / "ledger" / "gate.jsonl")
