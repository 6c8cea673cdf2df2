"""Cursors: what opens, and texts that must not, each with the step that refuses it."""

import base64
import hashlib
import json
from collections.abc import Iterator

from tests.vectors.material import DEK, IDX, PK, TENANT, TENANT_KEY, UPDATED, Json, sealed_vector
from twinvault.envelope import Context, Label, encode_aad, pad
from twinvault.envelope.primitive import derive
from twinvault.envelope.subkeys import cursor_key
from twinvault.envelope.suite import DerivationKey, gcm_encrypt

_LONG_ID = "k" * 63
_OPEN, _ANY = "ByList#dialogue#open", f"ByList#{_LONG_ID}#"
_FOUND = f"ByBlind1#dialogue#person#email#{'a' * 51}"
_KEY_NAME, _KEY = "idx", cursor_key(IDX)
_LENGTHS, _COMMITMENT, _CIPHERTEXT, _PADDING = "3 lengths", "5 commitment", "6 ciphertext", "7 padding"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_POSITION = {
    "pk": f"tenant#{TENANT}#{_LONG_ID}#{_LONG_ID}",
    "sk": "head",
    "tenant_id": TENANT,
    "list_kind": _LONG_ID,
    "list_status": "complete",
    "list_at": f"{UPDATED[:-1]}.000000Z",
}


def cursors() -> Json:
    """All of them. The last bits of the second positive one's text belong to no byte."""
    first = _cursor("cursor", _compact({"pk": PK, "sk": "head", "tenant_id": TENANT}))
    # 428 bytes in all: the last character of its text has two bits too many. The 348 of the first leave none.
    position = _compact(_POSITION)
    second = _cursor("a cursor of a listing of every status", position, context=_context(_ANY))
    place = _compact({"pk": PK, "sk": "person#0001", "generation": "2"})
    found = _cursor("a cursor of what is found", place, context=_context(_FOUND))
    begin = _cursor(
        "of what is found under the next generation", _compact({"generation": "2"}), context=_context(_FOUND)
    )
    return {"vectors": [first, second, found, begin], "refused": [*_refused(first["cursor"], second["cursor"])]}


def _refused(good: str, spare: str) -> Iterator[Json]:
    joined = _decoded(good)
    texts = {
        "empty": "",
        "one character": "A",
        "cut before the ciphertext": _encoded(joined[:76]),
        "a ciphertext of 271 bytes": _encoded(joined[:-1]),
        "one character cut": good[:-1],
        "one character more": good + "A",
        "padding characters": good + "====",
        "a line break at the end": good + "\n",
        "a line break at every 76th character": "\n".join(good[at : at + 76] for at in range(0, len(good), 76)),
        "a space before it": " " + good,
        "a dot within": good[:100] + "." + good[100:],
        "a character outside of ASCII": good[:-1] + "\u0661",
        "a lone surrogate": good[:-1] + "\ud800",
        "the other alphabet of base64": good.translate(str.maketrans("-_", "+/")),
    }
    for name, text in texts.items():
        yield _refusal(name, _LENGTHS, text)
    last = _ALPHABET.index(spare[-1])
    for name, text in {
        "its padding character": spare + "=",
        "two padding characters": spare + "==",
        "the first spare bit set": spare[:-1] + _ALPHABET[last | 1],
        "the second spare bit set": spare[:-1] + _ALPHABET[last | 2],
    }.items():
        yield _refusal(name, _LENGTHS, text, question=_ANY)
    for name, at, step in (
        ("salt", 0, _COMMITMENT),
        ("nonce", 32, _CIPHERTEXT),
        ("commitment", 44, _COMMITMENT),
        ("ciphertext", 76, _CIPHERTEXT),
    ):
        flipped = joined[:at] + bytes([joined[at] ^ 1]) + joined[at + 1 :]
        yield _refusal(f"a bit of its {name} flipped", step, _encoded(flipped))
    # All zeros, and base64url all the same: only the limit of 16,384 characters tells them apart.
    yield _refusal("16,384 characters", _COMMITMENT, "A" * 16_384)
    yield _refusal("16,386 characters", _LENGTHS, "A" * 16_386)
    yield _refusal("one byte more", _CIPHERTEXT, _encoded(joined + b"\0"))
    yield _refusal("asked with another question", _COMMITMENT, good, question=_ANY)
    yield _refusal("asked by another tenant", _COMMITMENT, good, tenant="evil")
    yield _refusal("opened with another key", _COMMITMENT, good, key=DEK)
    yield from _sealed_otherwise()


def _sealed_otherwise() -> Iterator[Json]:
    plaintext = _compact(_POSITION)
    later = _context(_OPEN, key_id="idx#000001")
    yield _refusal("sealed in another key's name", _COMMITMENT, _cursor("later", plaintext, context=later)["cursor"])
    with_idx = _cursor("idx itself", plaintext, key=IDX)
    yield _refusal("sealed under the idx key itself", _COMMITMENT, with_idx["cursor"])
    as_record = _cursor("record", plaintext, label=Label.RECORD)
    yield _refusal("sealed with the label of a record", _COMMITMENT, as_record["cursor"])
    elsewhere = _cursor("elsewhere", plaintext, context=_context(_OPEN)._replace(table="keys"))
    yield _refusal("sealed for another table", _COMMITMENT, elsewhere["cursor"])
    long = _cursor("long", _compact({**_POSITION, "list_at": "2" * 13_000}))
    yield _refusal("well sealed, over 16,384 characters", _LENGTHS, long["cursor"])
    made = _cursor("padding", plaintext)
    salt, nonce, aad = bytes.fromhex(made["salt"]), bytes.fromhex(made["nonce"]), encode_aad(_context(_OPEN))
    record_key, commitment = derive(
        DerivationKey(_KEY), salt, label=Label.CURSOR, aad_hash=hashlib.sha256(aad).digest()
    )
    frame = pad(plaintext)[:-1] + b"\1"
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=frame, aad=aad)
    yield _refusal("its last padding byte not zero", _PADDING, _encoded(salt + nonce + commitment + ciphertext))


def _refusal(name: str, step: str, text: str, *, question: str = _OPEN, tenant: str = TENANT, key: bytes = IDX) -> Json:
    return {"name": name, "step": step, "tenant": tenant, "question": question, "index_key": key.hex(), "cursor": text}


def _context(question: str, *, key_id: str = _KEY_NAME) -> Context:
    return Context("records", TENANT, TENANT_KEY, f"cursor#{question}", key_id, {})


def _cursor(
    name: str, plaintext: bytes, *, context: Context | None = None, key: bytes = _KEY, label: Label = Label.CURSOR
) -> Json:
    """A list cursor: sealed under a sub-key of the idx key, with no clear attributes, and no item but a text."""
    made = sealed_vector(name, plaintext, context=context or _context(_OPEN), key=key, label=label)
    joined = bytes.fromhex(made["salt"] + made["nonce"] + made["commitment"] + made["ciphertext"])
    del made["item"]
    return {**made, "index_key": IDX.hex(), "cursor": _encoded(joined)}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _compact(fields: Json) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
