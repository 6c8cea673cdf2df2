"""Rows of the keys table: a row that is changed, moved, renamed or copied yields no key."""

from typing import Any

import pytest

from twinvault.envelope import Label
from twinvault.errors import IntegrityError, InvalidInput
from twinvault.keys.rows import NamedKey, dek_name, dek_version, epoch_of, kek_name
from twinvault.keys.sealed import MAX_VERSION, Written, parse_sealed, unwrap, wrap
from twinvault.keys.wrapped import WrappedRow, key_context, parse_wrapped
from twinvault.scope import Scope

KEK = NamedKey("kek#000001", bytes(range(32)))
DEK = NamedKey("dek#ledger#p1#000001", bytes(32))
WHEN = "2026-01-01T00:00:00.000000Z"
WRITTEN = Written(1, WHEN, WHEN)
ROW = wrap(DEK, tenant="acme", kek=KEK, label=Label.DEK, written=WRITTEN, salt=bytes(32), nonce=bytes(12))
KEK_ROW = WrappedRow("acme", "kek#000001", "0" * 32, "root-1", b"wrapped", WHEN)

HOSTILE: list[Any] = [
    None,
    "x",
    5,
    [],
    {},
    {"S": None},
    {"S": 5},
    {"S": []},
    {"S": {}},
    {"S": "\ud800"},
    {"S": ""},
    {"S": "x" * 5000},
    {"N": "1"},
    {"B": b""},
    {"B": b"x" * 7000},
    {"B": "text"},
    {"M": {"S": {"S": "x"}}},
    {"S": "a", "N": "1"},
    {"NULL": True},
]


def opened(
    row: Any, *, tenant: str = "acme", name: str = DEK.name, kek: NamedKey = KEK, label: Label = Label.DEK
) -> NamedKey:
    return unwrap(parse_sealed(row, tenant=tenant, name=name), kek=kek, label=label)


def test_what_was_wrapped_unwraps() -> None:
    assert opened(ROW) == DEK
    row = parse_sealed(ROW, tenant="acme", name=DEK.name)
    assert (row.wrapped_under, row.written) == (KEK.name, WRITTEN)
    assert row.written.again("later") == Written(2, WHEN, "later")


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param({"tenant": "bolt"}, id="read for another tenant"),
        pytest.param({"name": "dek#ledger#p2#000001"}, id="read as another partition's"),
        pytest.param({"name": "dek#page#p1#000001"}, id="read as another kind's"),
        pytest.param({"name": "dek#ledger#p1#000002"}, id="read as another version"),
        pytest.param({"name": "idx"}, id="read as an index key"),
        pytest.param({"kek": NamedKey("kek#000002", KEK.key)}, id="under another epoch of the same bytes"),
        pytest.param({"kek": NamedKey("kek#000001", bytes(32))}, id="under other bytes of the same epoch"),
        pytest.param({"label": Label.INDEX}, id="as a key of another use"),
    ],
)
def test_a_row_opens_only_as_what_it_is(elsewhere: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        opened(ROW, **elsewhere)


@pytest.mark.parametrize(
    ("row", "elsewhere"),
    [
        pytest.param({"sk": {"S": "dek#ledger#p2#000001"}}, {"name": "dek#ledger#p2#000001"}, id="another partition"),
        pytest.param({"sk": {"S": "dek#page#p1#000001"}}, {"name": "dek#page#p1#000001"}, id="another kind"),
        pytest.param({"sk": {"S": "dek#ledger#p1#000002"}}, {"name": "dek#ledger#p1#000002"}, id="another version"),
        pytest.param({"sk": {"S": "idx"}}, {"name": "idx", "label": Label.INDEX}, id="the index key"),
        pytest.param({"pk": {"S": "tenant#bolt"}}, {"tenant": "bolt"}, id="another tenant"),
        pytest.param(
            {"pk": {"S": "tenant#bolt"}, "tenant_id": {"S": "bolt"}},
            {"tenant": "bolt"},
            id="another tenant, edited too",
        ),
        pytest.param({"key_id": {"S": "kek#000002"}}, {"kek": NamedKey("kek#000002", KEK.key)}, id="another epoch"),
    ],
)
def test_a_row_copied_to_another_place_and_looked_for_there_does_not_open(
    row: dict[str, Any], elsewhere: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError):
        opened({**ROW, **row}, **elsewhere)


@pytest.mark.parametrize("name", list(ROW))
def test_any_attribute_edited_or_taken_away_closes_a_row(name: str) -> None:
    for value in HOSTILE:
        if value != ROW[name]:
            with pytest.raises(IntegrityError):
                opened({**ROW, name: value})
    with pytest.raises(IntegrityError):
        opened({key: value for key, value in ROW.items() if key != name})


def test_an_attribute_too_many_closes_a_row() -> None:
    with pytest.raises(IntegrityError):
        opened({**ROW, "extra": {"S": "x"}})


def test_no_row_has_a_state_outside_its_seal() -> None:
    with pytest.raises(IntegrityError):
        opened({**ROW, "state": {"S": "active"}})
    assert "state" not in KEK_ROW.to_item()


@pytest.mark.parametrize("version", ["0", "-1", "1.5", str(MAX_VERSION + 1)])
def test_a_row_has_a_whole_version_from_1_on(version: str) -> None:
    with pytest.raises(IntegrityError):
        parse_sealed({**ROW, "version": {"N": version}}, tenant="acme", name=DEK.name)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_row_that_names_no_kek_is_tampering(value: Any) -> None:
    with pytest.raises(IntegrityError):
        opened({**ROW, "key_id": value})


@pytest.mark.parametrize(
    "name",
    [
        "kek#1",
        "kek#0000001",
        "kek#000000",
        "dek#ledger#p1#000001",
        "register-key",
        "idx",
        "kek#\u0661\u0661\u0661\u0661\u0661\u0661",
        "kek#000001\n",
    ],
)
def test_only_a_kek_wraps_a_key(name: str) -> None:
    with pytest.raises(IntegrityError):
        opened({**ROW, "key_id": {"S": name}})


def test_a_row_that_kms_wrapped_survives_its_item() -> None:
    for row in (KEK_ROW, WrappedRow("acme", "register-key", "0" * 32, "root-1", b"wrapped", WHEN)):
        assert parse_wrapped(row.to_item(), tenant="acme", name=row.name) == row


@pytest.mark.parametrize("name", ["pk", "sk", "key", "root_key_id", "wrapped", "format", "created_at"])
def test_a_row_of_any_other_shape_than_kms_wrapped_ones_have_is_tampering(name: str) -> None:
    item = KEK_ROW.to_item()
    with pytest.raises(IntegrityError):
        parse_wrapped({key: value for key, value in item.items() if key != name}, tenant="acme", name="kek#000001")
    for value in HOSTILE:
        if name in {"root_key_id", "created_at"} and isinstance(value, dict) and isinstance(value.get("S"), str):
            continue  # any text may stand there: the register says which root key it must be; the time opens nothing
        if value == item[name]:
            continue
        with pytest.raises(IntegrityError):
            parse_wrapped({**item, name: value}, tenant="acme", name="kek#000001")


@pytest.mark.parametrize(
    ("tenant", "name"), [("bolt", "kek#000001"), ("acme", "kek#000002"), ("acme", "kek#1"), ("acme", "register-key")]
)
def test_a_wrapped_row_read_as_anothers_is_tampering(tenant: str, name: str) -> None:
    with pytest.raises(IntegrityError):
        parse_wrapped(KEK_ROW.to_item(), tenant=tenant, name=name)


@pytest.mark.parametrize(("name", "purpose", "epoch"), [("kek#000007", "kek", "7"), ("register-key", "register", "0")])
def test_the_context_of_a_key_is_complete_and_final(name: str, purpose: str, epoch: str) -> None:
    assert key_context(name, store="vault", tenant="acme", key="ab" * 16) == {
        "twinvault:purpose": purpose,
        "twinvault:format": "1",
        "twinvault:store": "vault",
        "twinvault:tenant": "acme",
        "twinvault:epoch": epoch,
        "twinvault:key": "ab" * 16,
    }


def test_names_are_six_digits_and_no_more() -> None:
    assert (kek_name(1), kek_name(999_999), dek_name(Scope("t", "k", "p"), 42)) == (
        "kek#000001",
        "kek#999999",
        "dek#k#p#000042",
    )
    assert (epoch_of("kek#000012"), epoch_of("kek#12"), epoch_of("idx"), epoch_of("kek#00001a")) == (
        12,
        None,
        None,
        None,
    )
    for number in (0, -1, 1_000_000):
        with pytest.raises(InvalidInput):
            kek_name(number)


@pytest.mark.parametrize(
    "name",
    [
        "dek#k#p2#000001",
        "dek#k2#p#000001",
        "dek#k#p#1",
        "dek#k#p#0000001",
        "dek#k#p#00000a",
        "kek#000001",
        "dek#k#p#",
        "",
        "dek#k#p#000001\n",
        "dek#k#p#\u0661\u0661\u0661\u0661\u0661\u0661",
    ],
)
def test_a_name_of_another_partition_has_no_version(name: str) -> None:
    assert dek_version("dek#k#p#000007", scope=Scope("t", "k", "p")) == 7
    with pytest.raises(IntegrityError):
        dek_version(name, scope=Scope("t", "k", "p"))


def test_no_key_shows_in_a_repr() -> None:
    assert repr(KEK.key) not in repr(KEK)
