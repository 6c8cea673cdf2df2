"""The rows of a tenant's keys: each by itself with every value in between, and whole tenants that open or must not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.vectors.material import (
    CREATED,
    DEK,
    DEK_ID,
    IDX,
    IDX_ID,
    KEK,
    KEK_ID,
    NEXT_DEK,
    NEXT_DEK_ID,
    TENANT,
    TENANT_KEY,
    UPDATED,
    Json,
    fixed,
    item_json,
    sealed_vector,
)
from twinvault.envelope import Context, Label, Number, seal
from twinvault.envelope.item import to_item
from twinvault.envelope.subkeys import fingerprint
from twinvault.erasure.request import ErasureRequest, ErasureState, Said
from twinvault.errors import Step
from twinvault.keys.holding import Hold, HoldList
from twinvault.keys.last_register import LastRegister
from twinvault.keys.register import Epoch, Index, Register, State, born
from twinvault.keys.rows import ERASURE, HOLDS, REGISTER, REGISTER_KEY, WORK, NamedKey, entity_of
from twinvault.keys.sealed import Written, seal_register, wrap
from twinvault.keys.tombstone import ErasedDek, Tombstone
from twinvault.keys.wrapped import WrappedRow, key_context
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.work import Lease, Work

if TYPE_CHECKING:
    from twinvault.envelope.aad import ClearValue

STORE = "vault"
ROOT, OLD_ROOT = "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-0123456789abcdef0123456789abcdef"
EVENT, NEXT_EVENT = "0193587d-2a00-7000-8000-000000000001", "0193587d-2a00-7000-8000-000000000002"
REGISTER_KEY_BYTES, NEXT_KEK = fixed("register key"), fixed("kek 2")
NEXT_KEK_ID = "kek#000002"
WORK_ID, WORK_BEGUN = "0193587d-2a00-7000-8000-0000000000aa", "2026-11-23T09:00:00.000000Z"

type Rows = dict[str, Any]


def keys() -> Json:
    """Rows by themselves: two that KMS wrapped, and those that are sealed."""
    return {
        "comment": "The wrapped bytes are KMS's own; these stand-ins do not decrypt.",
        "wrapped": [_wrapped_vector(KEK_ID, KEK), _wrapped_vector(REGISTER_KEY, REGISTER_KEY_BYTES)],
        "rows": [
            _key_row("dek", DEK_ID, key=DEK, label=Label.DEK),
            _key_row("dek of the next version", NEXT_DEK_ID, key=NEXT_DEK, label=Label.DEK),
            _key_row("idx", IDX_ID, key=IDX, label=Label.INDEX),
            _key_row("idx after a rotation", IDX_ID, key=IDX, label=Label.INDEX, version=2),
            _register_row("register", _register()),
            _register_row("register after a rotation", _register(2), version=2),
            _work_row("work at its begin", _work()),
            _work_row("work that is held", _held_work(), version=2),
            _hold_row("holds, none of them", HoldList((), EVENT)),
            _hold_row("holds of the tenant and of a partition", _holds(), version=2),
            _erasure_row("erasure that was asked for", _erasure()),
            _erasure_row("erasure that is final", _final(), version=2),
            _stone_row("tombstone", _stone()),
            _stone_row("tombstone of what could not be opened", _hurt_stone(), version=2),
            _last_row("last register", _last(), version=3),
        ],
    }


def tenants() -> Json:
    """Registers as texts, and tenants as a Query and their newest mark show them."""
    return {
        "store": STORE,
        "registers": [{"name": name, "payload": one.encode().hex()} for name, one in _registers().items()],
        "refused_registers": [{"name": name, "payload": text.hex()} for name, text in _no_registers()],
        "tenants": [
            {"name": "a tenant that is new", **_tenant({}, None), "register": None},
            _opens("a tenant's first keys", _rows(), mark=_mark()),
            _opens("after a rotation", _rows(2), mark=_mark(2)),
            _opens("the idx row of before a rotation", {**_rows(2), IDX_ID: _rows()[IDX_ID]}, mark=_mark(2)),
            _opens("states", *_stated()),
            _opens("32 epochs", *_many(32)),
        ],
        "refused": [
            {"name": name, "step": step.value, **_tenant(rows, mark, listed=listed)}
            for name, step, rows, mark, listed in _refused()
        ],
    }


# -- rows by themselves -----------------------------------------------------------------------------------------------


def _wrapped(name: str, root: str = ROOT) -> WrappedRow:
    key_id, opaque = fixed(f"{name}: key id", 16).hex(), fixed(f"{name}: opaque to us")
    return WrappedRow(TENANT, name, key_id, root, opaque, CREATED)


def _wrapped_vector(name: str, key: bytes) -> Json:
    row = _wrapped(name)
    context = key_context(name, store=STORE, tenant=TENANT, key=row.key)
    return {"name": name, "key": key.hex(), "encryption_context": context, "item": item_json(row.to_item())}


def _context(sk: str, key_id: str, *, version: int = 1) -> Context:
    clear: dict[str, ClearValue] = {
        "tenant_id": TENANT,
        "entity_type": entity_of(sk),
        "version": Number(str(version)),
        "format": Number("1"),
        "created_at": CREATED,
        "updated_at": CREATED if version == 1 else UPDATED,
    }
    return Context("keys", TENANT, TENANT_KEY, sk, key_id, clear)


def _key_row(name: str, sk: str, *, key: bytes, label: Label, version: int = 1) -> Json:
    kek_name, kek = (KEK_ID, KEK) if version == 1 else (NEXT_KEK_ID, NEXT_KEK)
    return sealed_vector(name, key, context=_context(sk, kek_name, version=version), key=kek, label=label)


def _register_row(name: str, register: Register, *, version: int = 1) -> Json:
    return sealed_vector(
        name,
        register.encode(),
        context=_context(REGISTER, REGISTER_KEY, version=version),
        key=REGISTER_KEY_BYTES,
        label=Label.REGISTER,
        plaintext_text=register.encode().decode(),
    )


def _work() -> Work:
    return Work(
        id=WORK_ID,
        job="rewrite",
        kind="dialogue",
        principal="subject-1",
        begun=WORK_BEGUN,
        updated=WORK_BEGUN,
        last_event=EVENT,
    )


def _held_work() -> Work:
    return replace(
        _work(),
        updated="2026-11-23T10:30:00.250000Z",
        cursor="k3v7xqz2m4n5p6r7s8t9abcdef",
        counts=Counts(12, 3456, 7, 1),
        stopped_since=WORK_BEGUN,
        lease=Lease(fixed("holder", 16).hex(), "2026-11-23T10:31:00.000000Z"),
        last_event=NEXT_EVENT,
    )


def _work_row(name: str, work: Work, *, version: int = 1) -> Json:
    context = _context(WORK + work.id, REGISTER_KEY, version=version)
    return sealed_vector(
        name,
        work.encode(),
        context=context._replace(clear={**context.clear, "created_at": work.begun, "updated_at": work.updated}),
        key=REGISTER_KEY_BYTES,
        label=Label.WORK,
        plaintext_text=work.encode().decode(),
    )


def _holds() -> HoldList:
    tenant = Hold(kind=None, partition=None, since=WORK_BEGUN, principal="subject-1", reason="Aktenzeichen 7 O 17/26")
    one = Hold(
        kind="dialogue", partition="k3v7xqz2m4n5p6r7s8t9abcdef", caller_id="Störfall", since=WORK_BEGUN, principal=""
    )
    return HoldList((), NEXT_EVENT).put(one).put(tenant)


def _hold_row(name: str, listed: HoldList, *, version: int = 1) -> Json:
    return sealed_vector(
        name,
        listed.encode(),
        context=_context(HOLDS, REGISTER_KEY, version=version),
        key=REGISTER_KEY_BYTES,
        label=Label.HOLD,
        plaintext_text=listed.encode().decode(),
    )


def _stone() -> Tombstone:
    return Tombstone(
        head_version=7,
        dek_version=2,
        erased_at=UPDATED,
        keys=(ErasedDek(1, 1), ErasedDek(2, 1)),
        newest_epoch=2,
        records={"perspective": 3, "expert": 1},
        last_event=EVENT,
    )


def _hurt_stone() -> Tombstone:
    return replace(_stone(), head_version=2**53 - 2, keys=(), records=None, last_event=NEXT_EVENT)


def _stone_row(name: str, stone: Tombstone, *, version: int = 1) -> Json:
    return sealed_vector(
        name,
        stone.encode(),
        context=_context(f"{DEK_ID.rpartition('#')[0]}#erased", REGISTER_KEY, version=version),
        key=REGISTER_KEY_BYTES,
        label=Label.ERASED,
        plaintext_text=stone.encode().decode(),
    )


def _last() -> LastRegister:
    keys = ((IDX_ID, 2), (KEK_ID, 1), (NEXT_KEK_ID, 2))
    return LastRegister(fixed("incarnation", 16).hex(), 3, ROOT, UPDATED, keys, NEXT_EVENT)


def _last_row(name: str, last: LastRegister, *, version: int) -> Json:
    return sealed_vector(
        name,
        last.encode(),
        context=_context(REGISTER, REGISTER_KEY, version=version),
        key=REGISTER_KEY_BYTES,
        label=Label.REGISTER,
        plaintext_text=last.encode().decode(),
    )


def _erasure() -> ErasureRequest:
    return ErasureRequest(
        id=WORK_ID,
        kind="dialogue",
        partition="k3v7xqz2m4n5p6r7s8t9abcdef",
        caller_id="Störfall",
        requested=Said("subject-1", CREATED),
        not_before="2026-11-26T09:00:00.000000Z",
        last_event=EVENT,
    )


def _final() -> ErasureRequest:
    by = Said("subject-2", "2026-11-26T09:00:00.000001Z")
    return replace(_erasure(), caller_id=None, state=ErasureState.FINAL, final=by, last_event=NEXT_EVENT)


def _erasure_row(name: str, one: ErasureRequest, *, version: int = 1) -> Json:
    return sealed_vector(
        name,
        one.encode(),
        context=_context(ERASURE + one.id, REGISTER_KEY, version=version),
        key=REGISTER_KEY_BYTES,
        label=Label.ERASURE,
        plaintext_text=one.encode().decode(),
    )


# -- registers --------------------------------------------------------------------------------------------------------


def _epoch(number: int, key: bytes | None = None, *, state: State = State.ACTIVE, root: str = ROOT) -> Epoch:
    name = f"kek#{number:06d}"
    key = key or fixed(f"kek {number}")
    of = fingerprint(key, tenant=TENANT, sk=name)
    return Epoch(number, _wrapped(name).key, of, root, state, CREATED if number == 1 else UPDATED)


def _register(epochs: int = 1) -> Register:
    index = Index(fingerprint(IDX, tenant=TENANT, sk=IDX_ID), 1)
    incarnation = fixed("incarnation", 16).hex()
    register = born(incarnation=incarnation, first=_epoch(1), register_root_key_id=ROOT, index=index, event_id=EVENT)
    for number in range(2, epochs + 1):
        register = register.with_epoch(_epoch(number), event_id=NEXT_EVENT)
    return register


def _registers() -> dict[str, Register]:
    states = tuple(_epoch(number, state=state) for number, state in enumerate(State, 3))
    return {
        "one epoch": _register(),
        "32 epochs": _register(32),
        "each state, and epochs that are gone": replace(_register(), lowest_epoch=3, epochs=states),
        "the greatest numbers": replace(
            _register(),
            lowest_epoch=999_999,
            epochs=(_epoch(999_999),),
            index=Index(bytes(32), 999_999),
        ),
        "the longest ids of root keys": replace(_register(), register_root_key_id="r" * 256),
        "a time to nine digits": replace(
            _register(), epochs=(replace(_epoch(1), since="2026-11-23T09:00:00.123456789Z"),)
        ),
    }


def _no_registers() -> Iterator[tuple[str, bytes]]:
    good = _register(2).encode()
    yield "empty", b""
    yield "null", b"null"
    yield "a list", b"[]"
    yield "white space after it", good + b" "
    yield "a byte order mark", b"\xef\xbb\xbf" + good
    yield "white space within", json.dumps(json.loads(good)).encode()
    yield "members in another order", _compact(dict(reversed(json.loads(good).items())))
    yield "a member twice", good.replace(b'"index":', b'"index":null,"index":')
    yield "an escape that need not be", good.replace(b'"active"', b'"\\u0061ctive"', 1)
    yield "a number with a point", good.replace(b'"lowest_epoch":1', b'"lowest_epoch":1.0')
    yield "a number with an exponent", good.replace(b'"lowest_epoch":1', b'"lowest_epoch":1e0')
    yield "invalid UTF-8", good.replace(b'"active"', b'"\xffctive"', 1)
    for name in json.loads(good):
        yield f"no {name}", _compact({key: value for key, value in json.loads(good).items() if key != name})
    for name, path, value in _WRONG:
        document = json.loads(good)
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        yield name, _compact(document)
    yield "33 epochs", replace(_register(), epochs=tuple(map(_epoch, range(1, 34)))).encode()


_WRONG: list[tuple[str, tuple[str | int, ...], object]] = [
    ("a member more", ("more",), 1),
    ("a member more in an epoch", ("epochs", 0, "more"), 1),
    ("an incarnation in upper case", ("incarnation",), "AB" * 16),
    ("an incarnation that is short", ("incarnation",), "ab" * 15),
    ("no epochs", ("epochs",), []),
    ("epochs that are an object", ("epochs",), {}),
    ("epochs that are null", ("epochs",), None),
    ("the lowest epoch is text", ("lowest_epoch",), "1"),
    ("the lowest epoch is true", ("lowest_epoch",), True),
    ("the lowest epoch is none of them", ("lowest_epoch",), 2),
    ("an epoch below the lowest", ("epochs", 0, "epoch"), 3),
    ("an epoch twice", ("epochs", 1, "epoch"), 1),
    ("an epoch left out", ("epochs", 1, "epoch"), 3),
    ("epoch zero", ("epochs", 0, "epoch"), 0),
    ("a state that there is not", ("epochs", 0, "state"), "destroyed"),
    ("a state in upper case", ("epochs", 0, "state"), "ACTIVE"),
    ("a state that is null", ("epochs", 0, "state"), None),
    ("a key id that is short", ("epochs", 0, "key"), "0" * 31),
    ("a fingerprint that is short", ("epochs", 0, "fingerprint"), "0" * 62),
    ("a fingerprint in upper case", ("epochs", 0, "fingerprint"), "AB" * 32),
    ("a root key id with a space", ("epochs", 0, "root_key_id"), "root key"),
    ("a root key id that is too long", ("register_root_key_id",), "r" * 257),
    ("a root key id that is empty", ("register_root_key_id",), ""),
    ("a day for a time", ("epochs", 0, "since"), "2026-11-23"),
    ("a time of elsewhere", ("epochs", 0, "since"), "2026-11-23T09:00:00+01:00"),
    ("a time to ten digits", ("epochs", 0, "since"), "2026-11-23T09:00:00.0123456789Z"),
    ("index is null", ("index",), None),
    ("generation zero", ("index", "generation"), 0),
    ("a generation of seven digits", ("index", "generation"), 1_000_000),
    ("an event in upper case", ("last_event",), EVENT.upper().replace("0193587D", "0193587A")),
    ("no event", ("last_event",), ""),
]


# -- tenants ----------------------------------------------------------------------------------------------------------


def _rows(epochs: int = 1, register: Register | None = None, *, payload: bytes | None = None) -> Rows:
    """All rows of a tenant, as the register's newest transaction left them."""
    written = Written(epochs, CREATED, CREATED if epochs == 1 else UPDATED)
    kek = NamedKey(f"kek#{epochs:06d}", fixed(f"kek {epochs}"))
    salt, nonce = fixed(f"idx {epochs}: salt"), fixed(f"idx {epochs}: nonce", 12)
    rows: Rows = {
        IDX_ID: wrap(
            NamedKey(IDX_ID, IDX), tenant=TENANT, kek=kek, label=Label.INDEX, written=written, salt=salt, nonce=nonce
        )
    }
    for number in range(1, epochs + 1):
        name = f"kek#{number:06d}"
        rows[name] = _wrapped(name).to_item()
    rows[REGISTER], _ = _sealed(register or _register(epochs), epochs, payload=payload)
    rows[REGISTER_KEY] = _wrapped(REGISTER_KEY).to_item()
    return rows


def _sealed(register: Register, version: int, *, payload: bytes | None = None) -> tuple[Any, bytes]:
    salt, nonce = fixed(f"register {version}: salt"), fixed(f"register {version}: nonce", 12)
    if payload is not None:
        context = _context(REGISTER, REGISTER_KEY, version=version)
        made = seal(payload, key=REGISTER_KEY_BYTES, label=Label.REGISTER, context=context, salt=salt, nonce=nonce)
        return to_item(context, made), made.digest
    key = NamedKey(REGISTER_KEY, REGISTER_KEY_BYTES)
    written = Written(version, CREATED, CREATED if version == 1 else UPDATED)
    return seal_register(register, tenant=TENANT, key=key, written=written, salt=salt, nonce=nonce)


def _mark(version: int = 1, register: Register | None = None, *, payload: bytes | None = None) -> Json:
    _, digest = _sealed(register or _register(version), version, payload=payload)
    return {"version": version, "digest": digest.hex(), "event": EVENT if version == 1 else NEXT_EVENT}


def _stated() -> tuple[Rows, Json]:
    register = _register(2)
    retired = replace(register, epochs=(replace(register.epochs[0], state=State.RETIRED), register.epochs[1]))
    return _rows(2, retired), _mark(2, retired)


def _many(count: int) -> tuple[Rows, Json]:
    return _rows(count), _mark(count)


def _tenant(rows: Rows, mark: Json | None, *, listed: tuple[str, ...] = (ROOT,)) -> Json:
    """What an opener is given. `kms` is what a KMS would open: those bytes, under that key and context, to that key."""
    names = {f"kek#{number:06d}": fixed(f"kek {number}") for number in range(1, 33)}
    names[REGISTER_KEY] = REGISTER_KEY_BYTES
    made = [name for name in names if name in rows]
    return {
        "tenant": TENANT,
        "root_keys": list(listed),
        "items": [item_json(rows[name]) for name in sorted(rows)],
        "mark": mark,
        "kms": [
            {
                "wrapped": _wrapped(name).wrapped.hex(),
                "root_key_id": ROOT,
                "encryption_context": key_context(name, store=STORE, tenant=TENANT, key=_wrapped(name).key),
                "key": names[name].hex(),
            }
            for name in sorted(made)
        ],
    }


def _opens(name: str, rows: Rows, mark: Json) -> Json:
    return {"name": name, **_tenant(rows, mark), "index_key": IDX.hex()}


type Refusal = tuple[str, Step, Rows, Json | None, tuple[str, ...]]


def _refused() -> Iterator[Refusal]:
    one, two = _rows(), _rows(2)
    listed = (ROOT,)
    yield "every row deleted", Step.KEY_ROWS, {}, _mark(), listed
    yield "no mark", Step.MARK, one, None, listed
    for name in two:
        yield f"{name} deleted", Step.KEY_ROWS, _without(two, name), _mark(2), listed
    yield "the newest KEK and the idx row deleted", Step.KEY_ROWS, _without(two, IDX_ID, NEXT_KEK_ID), _mark(2), listed
    for name in ("kek#000002", "kek#999999", "kek#000000", "kek#1", "idx#000001", "junk"):
        planted = {**one, name: {**one[KEK_ID], "sk": {"S": name}}}
        yield f"{name} planted", Step.KEY_ROWS, planted, _mark(), listed
    yield "a rotation undone", Step.MARK, one, _mark(2), listed
    yield "the register put back", Step.MARK, {**two, REGISTER: one[REGISTER]}, _mark(2), listed
    yield "the place of the next mark taken", Step.MARK, one, {**_mark(), "version": 2}, listed
    yield "a fork", Step.MARK, one, {**_mark(), "digest": fixed("a fork").hex()}, listed
    yield from _changed_rows(one, two)
    yield from _other_keys(one)


def _changed_rows(one: Rows, two: Rows) -> Iterator[Refusal]:
    listed = (ROOT,)
    changes: list[tuple[str, str, Json, Step]] = [
        ("a KEK row with another key id", KEK_ID, {"key": {"S": fixed("x", 16).hex()}}, Step.KEY_ROWS),
        ("a KEK row with another root key", KEK_ID, {"root_key_id": {"S": OLD_ROOT}}, Step.KEY_ROWS),
        ("a KEK row with other wrapped bytes", KEK_ID, {"wrapped": {"B": fixed("x")}}, Step.ROOT_KEY),
        ("a KEK row of another format", KEK_ID, {"format": {"N": "2"}}, Step.KEY_ROWS),
        ("a KEK row without wrapped bytes", KEK_ID, {"wrapped": {"B": b""}}, Step.KEY_ROWS),
        ("a register key with other wrapped bytes", REGISTER_KEY, {"wrapped": {"B": fixed("x")}}, Step.ROOT_KEY),
        (
            "a register key under a root key that is not listed",
            REGISTER_KEY,
            {"root_key_id": {"S": OLD_ROOT}},
            Step.ROOT_KEY,
        ),
        ("a row of another tenant", IDX_ID, {"pk": {"S": "tenant#evil"}}, Step.KEY_ROWS),
        ("a register of another version", REGISTER, {"version": {"N": "2"}}, Step.MARK),
        ("a register of version zero", REGISTER, {"version": {"N": "0"}}, Step.PAYLOAD),
        ("a register of another format", REGISTER, {"format": {"N": "2"}}, Step.FORMAT),
        ("a register under a KEK", REGISTER, {"key_id": {"S": KEK_ID}}, Step.KEY_ID),
        ("a register with a short nonce", REGISTER, {"content_nonce": {"B": bytes(11)}}, Step.LENGTHS),
        ("a register with other contents", REGISTER, {"content_encrypted": {"B": bytes(1040)}}, Step.MARK),
        ("an idx row under the register key", IDX_ID, {"key_id": {"S": REGISTER_KEY}}, Step.KEY_ID),
        ("an idx row under a KEK that is not listed", IDX_ID, {"key_id": {"S": "kek#000009"}}, Step.KEY_ID),
        ("an idx row of another time", IDX_ID, {"created_at": {"S": UPDATED}}, Step.COMMITMENT),
        ("an idx row with other contents", IDX_ID, {"content_encrypted": {"B": bytes(272)}}, Step.CIPHERTEXT),
        ("an idx row with a state", IDX_ID, {"state": {"S": "active"}}, Step.COMMITMENT),
    ]
    for name, sk, change, step in changes:
        yield name, step, {**one, sk: {**one[sk], **change}}, _mark(), listed
    moved = {**two[NEXT_KEK_ID], "sk": {"S": KEK_ID}}
    yield "a KEK row in the place of another", Step.KEY_ROWS, {**two, KEK_ID: moved}, _mark(2), listed
    yield "a root key that left the settings", Step.ROOT_KEY, one, _mark(), (OLD_ROOT,)


def _other_keys(one: Rows) -> Iterator[Refusal]:
    listed = (ROOT,)
    text = _register().encode()
    for name, payload, step in (
        ("a register that is not written as one", text + b" ", Step.REGISTER),
        ("a register that is no JSON", b"{", Step.REGISTER),
    ):
        yield name, step, _rows(payload=payload), _mark(payload=payload), listed
    register = _register()
    others: list[tuple[str, Register, Step]] = [
        ("a register that lists an epoch more", _register(2), Step.KEY_ROWS),
        ("a register under another root key", replace(register, register_root_key_id=OLD_ROOT), Step.KEY_ROWS),
        ("a register that means another KEK", replace(register, epochs=(_epoch(1, fixed("x")),)), Step.FINGERPRINT),
        ("a register that means another idx key", replace(register, index=Index(fixed("x"), 1)), Step.FINGERPRINT),
    ]
    for name, other, step in others:
        rows = {**one, REGISTER: _sealed(other, 1)[0]}
        yield name, step, rows, _mark(1, other), listed
    kek = NamedKey(KEK_ID, KEK)
    another = wrap(
        NamedKey(IDX_ID, fixed("another idx key")),
        tenant=TENANT,
        kek=kek,
        label=Label.INDEX,
        written=Written(1, CREATED, CREATED),
        salt=fixed("x"),
        nonce=fixed("x", 12),
    )
    yield "another idx key under the same KEK", Step.FINGERPRINT, {**one, IDX_ID: another}, _mark(), listed


def _without(rows: Rows, *names: str) -> Rows:
    return {name: row for name, row in rows.items() if name not in names}


def _compact(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
