"""Typed records become drafts and come back as they were; what would not is refused, and the field is named."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import Recorder
from tests.records.typed.samples import Clearly, Note, Pair, Point, Sealed, State, Visit, visit
from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.keys.rows import NamedKey
from twinvault.records.partition import open_row, place_rows
from twinvault.records.payload import encode_payload
from twinvault.records.record import Draft, Stamp, StoredRecord, seal_record
from twinvault.records.spec import EntitySpec, KindSpec
from twinvault.records.typed.markers import Clear
from twinvault.records.typed.record import Record, from_stored, sort_key, to_draft
from twinvault.scope import Scope

SCOPE = Scope("acme", "clinic", "c-1")
KEY = NamedKey("dek#clinic#c-1#000001", bytes(32))
NOW = "2026-01-01T00:00:00.000000Z"
STAMP = Stamp(3, NOW, NOW, bytes(32), bytes(12))
SECRET = "s3cret"


def stored(record: type[Record], draft: Draft, **fields: Any) -> StoredRecord:
    """What a read of this draft gives: sealed and opened by the store's own code."""
    spec = record.__declared__.spec
    drafted = msgspec.structs.replace(draft, fields={**draft.fields, **fields})
    item = seal_record(drafted, spec, scope=SCOPE, key=KEY, stamp=STAMP).item
    (row,) = place_rows([item], scope=SCOPE, lowest_format=1)
    return open_row(row, {KEY.name: KEY}, kind=KindSpec("clinic", [spec]), observer=Recorder())


def and_back[R: Record](record: R) -> R:
    return from_stored(type(record), stored(type(record), to_draft(record)), pk=SCOPE.pk)


@pytest.mark.parametrize("record", [visit(), Sealed(), Clearly(state=State.OPEN, ward="a", bed=3)], ids=repr)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    back = and_back(record)
    assert back == record
    for name, value in vars(record).items():
        assert type(getattr(back, name)) is type(value), name


def test_the_same_content_is_the_same_bytes_typed_or_not() -> None:
    """`EntitySpec` stays beneath: whoever reads the one reads the other."""
    spec = EntitySpec(
        "visit", Visit.__declared__.spec.sk, {"number": {"N"}, "state": {"S"}}, Visit.__declared__.spec.sealed
    )
    fields = {
        "number": 7,
        "state": "open",
        "email": "bo@example.com",
        "note": "a cold",
        "scans": ["eA=="],
        "seen_at": "2026-01-01T00:00:00Z",
    }
    typed = to_draft(visit(scans=[b"x"], seen_at=datetime(2026, 1, 1, tzinfo=UTC)))
    untyped = Draft("visit", "visit#0007", fields)
    items = [
        seal_record(typed, Visit.__declared__.spec, scope=SCOPE, key=KEY, stamp=STAMP).item,
        seal_record(untyped, spec, scope=SCOPE, key=KEY, stamp=STAMP).item,
    ]
    assert items[0] == items[1]


def test_the_bytes_are_in_the_order_of_the_class_and_what_has_no_order_is_sorted() -> None:
    fields = to_draft(Sealed()).fields
    assert [*fields] == [one.name for one in dataclasses.fields(Sealed)]
    assert fields["some"] == ["a", "b", "c"]
    assert fields["options"]["sizes"] == [1, 2, 3]
    assert [*fields["by_name"]] == ["b", "a"]  # as the caller put them: a dict has an order
    assert [*fields["anything"]] == ["b", "a"]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_sets_are_the_same_bytes_in_every_process(seed: str) -> None:
    """A repeated request must be the same request, also where the process that repeats it is another one."""
    script = "from tests.records.typed.samples import Sealed\nfrom twinvault.records.typed.record import to_draft\n"
    script += "print(to_draft(Sealed(some={*map(str, range(40))})).fields['some'])"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(map(str, range(40))))


@given(
    st.text(),
    st.lists(st.binary(max_size=9)),
    st.none() | st.datetimes(timezones=st.just(UTC) | st.timezones()) | st.datetimes(),
)
def test_whatever_is_written_comes_back_or_is_refused(note: str, scans: list[bytes], seen_at: datetime | None) -> None:
    record = visit(note=note, scans=scans, seen_at=seen_at)
    try:
        draft = to_draft(record)
    except InvalidInput:
        return
    assert from_stored(Visit, stored(Visit, draft), pk=SCOPE.pk) == record


class Loose(Record, sk="loose"):
    """Fields whose types say little."""

    anything: Any = None
    real: float = 0.0
    reals: list[float] = []  # noqa: RUF012  # each record has its own
    price: Decimal = Decimal(0)
    by_number: dict[int | str, int] = {}  # noqa: RUF012  # likewise
    pairs: tuple[Any, ...] = ()
    point: Point | None = None


class Text(str):
    """A text that is more than a text."""

    __slots__ = ()


def endless() -> list[Any]:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("record", "field"),
    [
        pytest.param(visit(note=5), "note", id="a number for text"),
        pytest.param(visit(note=None), "note", id="none for text"),
        pytest.param(visit(note=b"x"), "note", id="bytes for text: they would come back as base64"),
        pytest.param(visit(note=Text("x")), "note", id="a subclass of text"),
        pytest.param(visit(note="\ud800"), "note", id="a lone surrogate"),
        pytest.param(visit(scans=["eA=="]), "scans", id="base64 for bytes: it would come back as bytes"),
        pytest.param(visit(scans=(b"x",)), "scans", id="a tuple for a list"),
        pytest.param(visit(scans=[1]), "scans", id="a number within a list of bytes"),
        pytest.param(visit(seen_at="2026-01-01T00:00:00Z"), "seen_at", id="text for a time"),
        pytest.param(visit(seen_at=object()), "seen_at", id="an object"),
        pytest.param(visit(state="shut"), "state", id="none of the literal's"),
        pytest.param(visit(state=None), "state", id="null that is not declared"),
        pytest.param(visit("7"), "number", id="text for a clear number"),
        pytest.param(visit(True), "number", id="true for a clear number"),
        pytest.param(visit(7.0), "number", id="a float for a clear whole number"),
        pytest.param(visit(10_000), "number", id="a number that its sort key does not hold"),
        pytest.param(Note(author="a#b", number=1, text="x"), "author", id="the end of text in a sort key"),
        pytest.param(Loose(real=float("nan")), "real", id="NaN"),
        pytest.param(Loose(reals=[float("inf")]), "reals", id="an infinity"),
        pytest.param(Loose(reals=[float("nan")]), "reals", id="NaN within a list"),
        pytest.param(Loose(anything=[float("nan")]), "anything", id="NaN within anything"),
        pytest.param(Loose(price=Decimal("NaN")), "price", id="a Decimal's NaN"),
        pytest.param(Loose(price=Decimal("sNaN")), "price", id="a signalling NaN"),
        pytest.param(Loose(price=0.1), "price", id="a float that is no Decimal exactly"),
        pytest.param(Loose(anything=(1, 2)), "anything", id="a tuple within anything: it would come back a list"),
        pytest.param(Loose(anything={"a": [(1,)]}), "anything", id="a tuple deep within anything"),
        pytest.param(Loose(anything={1: "a"}), "anything", id="a number as a key: it would come back as text"),
        pytest.param(Loose(anything={1: "a", "1": "b"}), "anything", id="keys that become one"),
        pytest.param(Loose(by_number={1: 1, "1": 2}), "by_number", id="declared keys that become one"),
        pytest.param(Loose(anything={1, 2}), "anything", id="a set within anything"),
        pytest.param(Loose(anything=b"x"), "anything", id="bytes within anything"),
        pytest.param(Loose(anything=Decimal("1.5")), "anything", id="a Decimal within anything"),
        pytest.param(Loose(anything=Point(1)), "anything", id="a type of one's own within anything"),
        pytest.param(Loose(anything=object()), "anything", id="an object within anything"),
        pytest.param(Loose(anything=endless()), "anything", id="nested too deeply"),
        pytest.param(Loose(pairs=((1, 2),)), "pairs", id="a tuple within a declared tuple of anything"),
        pytest.param(Loose(pairs=[1]), "pairs", id="a list for a tuple"),
        pytest.param(Loose(point=Pair(1, "x")), "point", id="another type of one's own"),
        pytest.param(Loose(point={"x": 1}), "point", id="a dict for a type of one's own"),
    ],
)
def test_what_does_not_fit_is_the_callers_error_and_names_the_field(record: Record, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        # What is NaN within a list of floats shows when it is sealed, as it does without types.
        encode_payload(to_draft(record).fields, entity=record.__declared__.entity)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{record.__declared__.entity}.{field}: ")


@pytest.mark.parametrize(
    "record",
    [
        visit(state=SECRET),
        visit(note=Text(SECRET)),
        visit(scans=[SECRET]),
        Note(author=f"{SECRET}#", number=1, text=""),
    ],
    ids=["enum", "text", "list", "sort key"],
)
def test_no_value_shows_in_what_is_said_of_it(record: Record) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_draft(record)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_a_message_says_what_the_field_must_be() -> None:
    with pytest.raises(InvalidInput, match=r"visit\.state: must be Literal\['open', 'closed'\]"):
        to_draft(visit(state="shut"))
    with pytest.raises(InvalidInput, match=r"visit\.scans: must be list\[bytes\]"):
        to_draft(visit(scans=[1]))
    with pytest.raises(InvalidInput, match=r"visit\.seen_at: must be datetime.*; this would be read back as another"):
        to_draft(visit(seen_at="2026-01-01T00:00:00Z"))
    with pytest.raises(InvalidInput, match=r"loose\.anything: holds something of the type tuple; JSON gives back text"):
        encode_payload(to_draft(Loose(anything=[(1, 2)])).fields, entity="loose")
    with pytest.raises(
        InvalidInput, match=r"loose\.anything: holds something of the type object; JSON gives back text"
    ):
        to_draft(Loose(anything=object()))
    with pytest.raises(
        InvalidInput, match=r"loose\.anything: holds a dict with names that are not text; this would be"
    ):
        to_draft(Loose(anything={1: "a"}))


def test_a_classs_own_checks_hold_on_the_way_in_and_out() -> None:
    class Paid(Record, sk="paid"):
        amount: Clear[int]

        def __post_init__(self) -> None:
            if self.amount < 0:
                raise ValueError(SECRET)

    with pytest.raises(ValueError, match=SECRET):
        Paid(amount=-1)
    draft = Draft("paid", "paid", {"amount": -1})
    with pytest.raises(Undeclared):
        from_stored(Paid, stored(Paid, draft), pk=SCOPE.pk)


def test_what_was_read_says_its_version_and_times_and_compares_without_them() -> None:
    back = and_back(visit())
    assert (back.stored.version, back.stored.created_at, back.stored.updated_at) == (3, NOW, NOW)
    assert back == visit()
    assert dataclasses.asdict(back) == dataclasses.asdict(visit())
    with pytest.raises(InvalidInput, match="was made here"):
        _ = visit().stored
    with pytest.raises(InvalidInput, match="was made here"):
        _ = dataclasses.replace(back, note="another").stored
    assert copy.deepcopy(back).stored == pickle.loads(pickle.dumps(back)).stored == back.stored  # noqa: S301


def test_what_was_read_can_be_written_again() -> None:
    assert to_draft(and_back(visit())) == to_draft(visit())


@pytest.mark.parametrize(
    "record", [visit(note=SECRET), and_back(visit(note=SECRET, email=SECRET))], ids=["made", "read"]
)
def test_nothing_but_the_sort_key_shows_when_a_record_is_printed(record: Visit) -> None:
    assert f"{record} {record!r}" == "Visit(sk='visit#0007') Visit(sk='visit#0007')"
    assert repr(visit("seven", note=SECRET)) == "Visit(…)"
    assert SECRET not in repr(record.__declared__)


def test_a_record_is_frozen_and_its_lists_are_its_own() -> None:
    one, other = visit(), visit()
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.note = "another"  # type: ignore[misc]  # to see that it is refused
    one.scans.append(b"x")
    assert other.scans == []
    assert and_back(other).scans == []


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        pytest.param({"state": "shut"}, ("state",), id="clear, none of the literal's"),
        pytest.param({"note": 5, "email": []}, ("email", "note"), id="two of another type"),
        pytest.param({"scans": ["no base64!"]}, ("scans",), id="bytes that are none"),
        pytest.param({"number": 8}, ("sk",), id="a sort key of other fields"),
        pytest.param({"number": 10_000}, ("sk",), id="a sort key that could not be made"),
    ],
)
def test_what_is_authentic_and_does_not_convert_is_undeclared(fields: dict[str, Any], names: tuple[str, ...]) -> None:
    """No tampering: it was sealed here, by another release."""
    with pytest.raises(Undeclared) as refused:
        from_stored(Visit, stored(Visit, to_draft(visit()), **fields), pk=SCOPE.pk)
    assert refused.value.names == names
    assert refused.value.where == Place("records", SCOPE.pk, "visit#0007")
    assert "shut" not in "".join(traceback.format_exception(refused.value))


def test_a_field_that_an_older_record_lacks_is_its_default_or_undeclared() -> None:
    older = {"number": 7, "state": "open", "email": "bo@example.com"}
    with pytest.raises(Undeclared) as refused:
        from_stored(Visit, stored(Visit, Draft("visit", "visit#0007", older)), pk=SCOPE.pk)
    assert refused.value.names == ("note",)
    back = from_stored(Visit, stored(Visit, Draft("visit", "visit#0007", {**older, "note": "x"})), pk=SCOPE.pk)
    assert (back.scans, back.seen_at) == ([], None)


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        pytest.param({}, "number", id="none"),
        pytest.param({"nummer": 7}, "nummer", id="another name"),
        pytest.param({"number": 7, "state": "open"}, "state", id="a field that is not in the sort key"),
        pytest.param({"number": "7"}, "number", id="another type"),
        pytest.param({"number": True}, "number", id="a truth value"),
        pytest.param({"number": 10_000}, "number", id="too many digits"),
    ],
)
def test_keys_are_checked_by_name_and_type(keys: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sort_key(Visit, **keys)
    assert refused.value.field == field


def test_a_sort_key_is_made_of_its_fields() -> None:
    assert sort_key(Visit, number=7) == visit().sk == to_draft(visit()).sk == "visit#0007"
    assert sort_key(Note, number=2, author="bo") == "note#bo#2"
    assert sort_key(Clearly, state=State.OPEN, ward="b", bed=1) == "clearly#open#b#01"


def test_msgspec_is_imported_where_records_are_converted_or_opened_alone() -> None:
    """What comes from outside passes the strict JSON reader: msgspec takes names twice, and 1e400 for an infinity."""
    functions = Path(__file__).parents[3] / "functions"
    users = {
        path.stem if path.parent.name == "records" else path.parent.name
        for path in functions.rglob("*.py")
        if "import msgspec" in path.read_text(encoding="utf-8")
    }
    # Of these `value` converts nothing, and the HTTP layer what the strict reader has read.
    assert users == {"dynamodb", "payload", "typed", "twinvault_http", "value"}
    assert msgspec.json.decode('{"a": 1, "a": 2}') == {"a": 2}  # why
