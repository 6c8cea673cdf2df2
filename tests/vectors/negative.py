"""Vectors that must not open, each with the step that refuses it."""

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.vectors import grammars
from tests.vectors.material import (
    DEK,
    DEK_ID,
    KEK,
    KEK_ID,
    KIND,
    NEXT_DEK,
    NEXT_DEK_ID,
    PARTITION,
    PK,
    TENANT,
    TENANT_KEY,
    Json,
    clear_of_record,
    fixed,
    item_json,
    item_of,
    sealed_vector,
)
from twinvault.envelope import Context, Label, Number, encode_aad, pad
from twinvault.envelope.primitive import derive
from twinvault.envelope.suite import DerivationKey, gcm_encrypt

SK = "perspective#01#02"
PLAINTEXT = b'{"label":"Too slow"}'
OTHER = "zzzzzzzzzzzzzzzzzzzzzzzzzz"
OTHER_PK = f"tenant#{TENANT}#{KIND}#{OTHER}"
SEALED = ("content_encrypted", "content_nonce", "content_salt", "key_commitment")
PLACE, FORMAT, KEY_ID, LENGTHS = "0 place", "1 format", "2 key id", "3 lengths"
CLEAR, COMMITMENT, CIPHERTEXT, PADDING = "4 clear attributes", "5 commitment", "6 ciphertext", "7 padding"
GONE = object()


def _context(**changes: Any) -> Context:
    clear = clear_of_record("perspective", status="open", round=Number("1"), calibrated=True)
    fields = {"table": "records", "tenant": TENANT, "pk": PK, "sk": SK, "key_id": DEK_ID, "clear": clear, **changes}
    return Context(**fields)


def _item(name: str = "negative", *, context: Context | None = None, **options: Any) -> Json:
    options = {"key": DEK, **options}
    return item_of(sealed_vector(name, PLAINTEXT, context=context or _context(), **options)["item"])


def negatives() -> list[Json]:
    """All cases. Each is one change to an item that opens, or one change of the place where it is found."""
    return [
        {
            "name": name,
            "step": step,
            "label": Label.RECORD.value,
            "scope": {"table": "records", "tenant": TENANT, "pk": PK, **scope},
            "keys": {DEK_ID: DEK.hex(), NEXT_DEK_ID: NEXT_DEK.hex()},
            "unauthenticated": [],
            "item": item_json(item),
            **more,
        }
        for name, step, item, scope, more in _cases()
    ]


type Case = tuple[str, str, Json, Json, Json]


def _cases() -> Iterator[Case]:
    """(name, step, item, changes of the scope, other changes of the vector)."""
    for name, step, changes in [*_places(), *_clear(), *_bytes()]:
        item = {**_item(), **changes}
        yield name, step, {key: value for key, value in item.items() if value is not GONE}, {}, {}
    yield from _moves()
    yield from _uses()
    yield from _paddings()
    for name, step, sealed, more in grammars.outside():
        yield name, step, sealed, {}, more


def _places() -> Iterator[tuple[str, str, Json]]:
    yield "answered from another partition", PLACE, {"pk": {"S": OTHER_PK}}
    for name in ("pk", "sk"):
        yield f"no {name}", PLACE, {name: GONE}
        yield f"{name} is a number", PLACE, {name: {"N": "1"}}
    yield "sk over 1,024 bytes", PLACE, {"sk": {"S": "s" * 1025}}
    yield "moved to another sk", COMMITMENT, {"sk": {"S": "perspective#01#03"}}
    yield "moved onto the head", COMMITMENT, {"sk": {"S": "head"}}
    for text in ("0", "2", "-1", "1.5", "1e125", "x"):
        yield f"format {text}", FORMAT, {"format": {"N": text}}
    yield "no format", FORMAT, {"format": GONE}
    yield "format as text", FORMAT, {"format": {"S": "1"}}
    yield "format as truth value", FORMAT, {"format": {"BOOL": True}}
    yield "no key id", KEY_ID, {"key_id": GONE}
    yield "key id as number", KEY_ID, {"key_id": {"N": "1"}}
    for text in ("", "kek#1", "dek#000001", "KEK#000001", f"{DEK_ID}\n", "dek#a#b#c#000001"):
        yield f"key id {text!r}", KEY_ID, {"key_id": {"S": text}}
    yield "a key of another partition", KEY_ID, {"key_id": {"S": f"dek#{KIND}#{OTHER}#000001"}}
    yield "the partition's other key", COMMITMENT, {"key_id": {"S": NEXT_DEK_ID}}


def _clear() -> Iterator[tuple[str, str, Json]]:
    edits: list[tuple[str, str, Any]] = [
        ("text edited", "status", {"S": "resolved"}),
        ("text emptied", "status", {"S": ""}),
        ("null for text", "status", {"NULL": True}),
        ("absent for text", "status", GONE),
        ("number edited", "round", {"N": "2"}),
        ("null for a number", "round", {"NULL": True}),
        ("truth value flipped", "calibrated", {"BOOL": False}),
        ("version raised", "version", {"N": "2"}),
        ("tenant claimed", "tenant_id", {"S": "evil"}),
        ("entity claimed", "entity_type", {"S": "claim"}),
        ("text for a number", "round", {"S": "1"}),
        ("true for 1", "round", {"BOOL": True}),
        ("1 for true", "calibrated", {"N": "1"}),
        ("an attribute added", "priority", {"S": "high"}),
        ("a null added", "priority", {"NULL": True}),
        ("a reserved attribute added", "bi_status", {"S": "open"}),
        ("an attribute of the library's own added", "expires_at", {"N": "1"}),
    ]
    for name, attribute, value in edits:
        yield name, COMMITMENT, {attribute: value}
    refusals: list[tuple[str, str, Any]] = [
        ("a number that is none", "round", {"N": "one"}),
        ("a number out of range", "round", {"N": "1e126"}),
        ("a number of 39 digits", "round", {"N": "1" * 39}),
        ("a null that is false", "status", {"NULL": False}),
        ("a list for text", "status", {"L": [{"S": "open"}]}),
        ("two types at once", "status", {"S": "open", "N": "1"}),
        ("no type at all", "status", {}),
        ("an attribute in upper case", "Status", {"S": "open"}),
        ("a lone surrogate", "status", {"S": "\ud800"}),
        ("a lone surrogate in the sort key", "sk", {"S": "perspective#\udfff"}),
    ]
    for name, attribute, value in refusals:
        yield name, CLEAR, {attribute: value}


def _bytes() -> Iterator[tuple[str, str, Json]]:
    item = _item()
    steps = dict(zip(SEALED, (CIPHERTEXT, CIPHERTEXT, COMMITMENT, COMMITMENT), strict=True))
    for name, step in steps.items():
        content = item[name]["B"]
        yield f"{name}: first bit flipped", step, {name: {"B": bytes([content[0] ^ 0x80]) + content[1:]}}
        yield f"{name}: last bit flipped", step, {name: {"B": content[:-1] + bytes([content[-1] ^ 1])}}
        yield f"{name}: absent", LENGTHS, {name: GONE}
        yield f"{name}: empty", LENGTHS, {name: {"B": b""}}
        yield f"{name}: text", LENGTHS, {name: {"S": "x"}}
        yield f"{name}: one byte short", LENGTHS, {name: {"B": content[:-1]}}
        longer = CIPHERTEXT if name == "content_encrypted" else LENGTHS
        yield f"{name}: one byte long", longer, {name: {"B": content + b"\0"}}
    other = _item("another record", context=_context(sk="perspective#01#03"))
    for name, step in steps.items():
        yield f"{name}: another record's", step, {name: other[name]}
    yield "all sealed attributes: another record's", COMMITMENT, {name: other[name] for name in SEALED}
    # Step 3 before step 4, and step 2 before step 3: a defect of two kinds is named by the first step that sees it.
    yield "a short nonce and a list in the clear", LENGTHS, {"content_nonce": {"B": b""}, "status": {"L": []}}
    # A key's name is looked up after step 4: nothing is fetched for what has not the form of a sealed item.
    strange = {"key_id": {"S": f"dek#{KIND}#{OTHER}#000001"}}
    yield "a key of another partition and a list in the clear", CLEAR, {**strange, "status": {"L": []}}
    yield "a key of another partition and a number that is none", CLEAR, {**strange, "round": {"N": "one"}}
    yield "a key of another partition and a lone surrogate", CLEAR, {**strange, "status": {"S": "\ud800"}}
    yield "no key id and a short nonce", KEY_ID, {"content_nonce": {"B": b""}, "key_id": GONE}


def _moves() -> Iterator[Case]:
    other_dek = {"keys": {f"dek#{KIND}#{OTHER}#000001": DEK.hex()}}
    moved = {**_item(), "pk": {"S": OTHER_PK}}
    yield "moved to another partition", KEY_ID, moved, {"pk": OTHER_PK}, other_dek
    yield "moved to another partition that shares keys", COMMITMENT, moved, {"pk": OTHER_PK}, {}
    evil_pk = f"tenant#evil#{KIND}#{PARTITION}"
    stolen = {**_item(), "pk": {"S": evil_pk}, "tenant_id": {"S": "evil"}}
    yield "moved to another tenant", COMMITMENT, stolen, {"tenant": "evil", "pk": evil_pk}, {}
    yield "found under another tenant", COMMITMENT, _item(), {"tenant": "evil"}, {}
    yield "found in another table", COMMITMENT, _item(), {"table": "keys"}, {}


def _uses() -> Iterator[Case]:
    for label in Label:
        if label is not Label.RECORD:
            yield f"opened as {label.value}", COMMITMENT, _item(), {}, {"label": label.value}
    forged = _item(key=fixed("not this partition's key"))
    yield "sealed under a key of one's own", COMMITMENT, forged, {}, {}
    dek = Context("keys", TENANT, TENANT_KEY, DEK_ID, KEK_ID, _context().clear)
    row = _item(context=dek, key=KEK, label=Label.DEK)
    scope = {"table": "keys", "pk": TENANT_KEY}
    as_dek: Json = {"label": Label.DEK.value, "keys": {KEK_ID: KEK.hex(), "kek#000002": fixed("kek 2").hex()}}
    renamed = {**row, "sk": {"S": NEXT_DEK_ID}}
    yield "a DEK row renamed to another version", COMMITMENT, renamed, scope, as_dek
    yield "a DEK row put under another KEK", COMMITMENT, {**row, "key_id": {"S": "kek#000002"}}, scope, as_dek
    yield "a DEK row opened as an index key", COMMITMENT, row, scope, {**as_dek, "label": Label.INDEX.value}
    as_record = {**row, "pk": {"S": PK}, "sk": {"S": SK}, "key_id": {"S": DEK_ID}}
    yield "a DEK row in the place of a record", COMMITMENT, as_record, {}, {}
    evil = {**row, "pk": {"S": "tenant#evil"}, "tenant_id": {"S": "evil"}}
    evil_scope = {"table": "keys", "tenant": "evil", "pk": "tenant#evil"}
    yield "a DEK row copied to another tenant", COMMITMENT, evil, evil_scope, as_dek


def _paddings() -> Iterator[Case]:
    """Well-sealed items whose plaintext is padded in another way than the one there is."""
    good = pad(PLAINTEXT)
    frames = {
        "last padding byte not zero": good[:-1] + b"\1",
        "length one too long for the size": (253).to_bytes(4) + good[4:],
        "length of 4 GiB": b"\xff" * 4 + good[4:],
        "padded one step too far": good + bytes(16),
        "padded by one byte": good + bytes(1),
    }
    aad = encode_aad(_context())
    for name, frame in frames.items():
        item = _item()
        record_key, _ = derive(
            DerivationKey(DEK), item["content_salt"]["B"], label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest()
        )
        ciphertext = gcm_encrypt(record_key, item["content_nonce"]["B"], plaintext=frame, aad=aad)
        yield f"padding: {name}", PADDING, {**item, "content_encrypted": {"B": ciphertext}}, {}, {}
