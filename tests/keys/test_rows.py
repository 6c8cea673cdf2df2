"""Rows of the keys table: a row that is changed, moved, renamed or copied yields no key."""

from typing import Any

import pytest

from twinvault.envelope import Label
from twinvault.errors import IntegrityError, InvalidInput, KeyRefused
from twinvault.keys.rows import (
    KekRow,
    NamedKey,
    dek_name,
    dek_version,
    idx_name,
    kek_context,
    kek_name,
    parse_kek,
    require_state,
    row_place,
    state_of,
    unwrap,
    wrap,
    wrapping_key_name,
)
from twinvault.scope import Scope

KEK = NamedKey("kek#000001", bytes(range(32)))
DEK = NamedKey("dek#ledger#p1#000001", bytes(32))
WHEN = "2026-01-01T00:00:00.000000Z"
ROW = wrap(DEK, tenant="acme", kek=KEK, label=Label.DEK, created_at=WHEN, salt=bytes(32), nonce=bytes(12))
KEK_ROW = KekRow("acme", 1, "0" * 32, "root-1", b"wrapped", "active", WHEN)

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
    return unwrap(row, tenant=tenant, name=name, kek=kek, label=label)


def test_what_was_wrapped_unwraps() -> None:
    assert opened(ROW) == DEK
    assert wrapping_key_name(ROW, tenant="acme", name=DEK.name) == KEK.name


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param({"tenant": "bolt"}, id="read for another tenant"),
        pytest.param({"name": "dek#ledger#p2#000001"}, id="read as another partition's"),
        pytest.param({"name": "dek#page#p1#000001"}, id="read as another kind's"),
        pytest.param({"name": "dek#ledger#p1#000002"}, id="read as another version"),
        pytest.param({"name": "idx#000001"}, id="read as an index key"),
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
        pytest.param({"sk": {"S": "idx#000001"}}, {"name": "idx#000001", "label": Label.INDEX}, id="the index key"),
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


@pytest.mark.parametrize("name", [name for name in ROW if name != "state"])
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


def test_the_state_is_outside_the_seal_as_the_documents_say() -> None:
    assert opened({**ROW, "state": {"S": "retired"}}) == DEK


@pytest.mark.parametrize("value", HOSTILE)
def test_a_state_that_is_none_is_tampering(value: Any) -> None:
    with pytest.raises(IntegrityError):
        require_state(state_of({"state": value}), sealing=False, where=row_place("acme", "x"))


@pytest.mark.parametrize(
    ("state", "sealing", "allowed"),
    [
        ("active", True, True),
        ("active", False, True),
        ("retired", True, False),
        ("retired", False, True),
        ("revoked", True, False),
        ("revoked", False, False),
        ("destroyed", True, False),
        ("destroyed", False, False),
    ],
)
def test_active_seals_and_opens_retired_opens_the_others_do_neither(
    state: str, *, sealing: bool, allowed: bool
) -> None:
    if allowed:
        require_state(state, sealing=sealing, where=row_place("acme", "x"))
    else:
        with pytest.raises(KeyRefused):
            require_state(state, sealing=sealing, where=row_place("acme", "x"))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_row_that_names_no_kek_is_tampering(value: Any) -> None:
    with pytest.raises(IntegrityError):
        wrapping_key_name({**ROW, "key_id": value}, tenant="acme", name=DEK.name)
    for other in (
        "kek#1",
        "kek#0000001",
        "dek#ledger#p1#000001",
        "kek#\u0661\u0661\u0661\u0661\u0661\u0661",
        "kek#000001\n",
    ):
        with pytest.raises(IntegrityError):
            wrapping_key_name({**ROW, "key_id": {"S": other}}, tenant="acme", name=DEK.name)


def test_a_kek_row_survives_its_item() -> None:
    assert parse_kek(KEK_ROW.to_item(), tenant="acme", name="kek#000001") == KEK_ROW


@pytest.mark.parametrize("name", ["pk", "sk", "kek_id", "root_key_id", "wrapped", "state", "created_at"])
def test_a_kek_row_of_any_other_shape_is_tampering(name: str) -> None:
    item = KEK_ROW.to_item()
    with pytest.raises(IntegrityError):
        parse_kek({key: value for key, value in item.items() if key != name}, tenant="acme", name="kek#000001")
    for value in HOSTILE:
        if name in {"root_key_id", "created_at"} and isinstance(value, dict) and isinstance(value.get("S"), str):
            continue  # any text may stand there: the root key's id must be listed, and the time opens nothing
        with pytest.raises(IntegrityError):
            parse_kek({**item, name: value}, tenant="acme", name="kek#000001")


@pytest.mark.parametrize(
    ("tenant", "name"), [("bolt", "kek#000001"), ("acme", "kek#000002"), ("acme", "kek#1"), ("acme", "idx#000001")]
)
def test_a_kek_row_read_as_anothers_is_tampering(tenant: str, name: str) -> None:
    with pytest.raises(IntegrityError):
        parse_kek(KEK_ROW.to_item(), tenant=tenant, name=name)


def test_the_context_of_a_kek_is_complete_and_final() -> None:
    assert kek_context("acme", 7, kek_id="ab" * 16) == {
        "twinvault:purpose": "kek",
        "twinvault:format": "1",
        "twinvault:tenant": "acme",
        "twinvault:epoch": "7",
        "twinvault:key": "ab" * 16,
    }


def test_names_are_six_digits_and_no_more() -> None:
    assert (kek_name(1), idx_name(999_999), dek_name(Scope("t", "k", "p"), 42)) == (
        "kek#000001",
        "idx#999999",
        "dek#k#p#000042",
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
