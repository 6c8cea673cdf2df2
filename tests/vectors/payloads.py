"""Step 8: what opens, byte for byte as it was sealed, and is no row of its entity, or just is one."""

import json
from collections.abc import Iterator
from typing import Any

from tests.vectors.material import (
    CREATED,
    DEK,
    DEK_ID,
    KEK,
    KEK_ID,
    PK,
    TENANT,
    TENANT_KEY,
    Json,
    clear_of_record,
    fixed,
    sealed_vector,
)
from twinvault.envelope import Context, Label, Number
from twinvault.envelope.aad import ClearValue

_FIELDS = ["content", "label"]
_HEAD_FIELDS = ["store"]
_STORE: Json = {
    "count": 0,
    "dek_version": 2,
    "lowest_dek_version": 1,
    "sum": "0" * 512,
    "hash_key": fixed("head: hash key").hex(),
    "last_event": "",
}
_DECLARED = {
    "tenant_id": ["S"],
    "entity_type": ["S"],
    "version": ["N"],
    "format": ["N"],
    "created_at": ["S"],
    "updated_at": ["S"],
}
_BOUNDS: Json = {"count": 2**14, "dek_version": 999_999, "lowest_dek_version": 999_999, "sum": "f" * 512}
_NESTED = b'{"label":{"other":[null,true,{"label":1}]}}'


def payloads() -> Json:
    """Rows that pass, with their fields and versions, and rows that step 8 refuses."""
    return {
        "vectors": [*_accepted()],
        "refused": [*_refused_payloads(), *_refused_rows(), *_refused_keys()],
        "undeclared": [*_undeclared()],
    }


def _accepted() -> Iterator[Json]:
    texts = {
        "no field": b"{}",
        "spaces and escapes": b' {\r\n\t"lab\\u0065l" : "\\u00e4\\ud83d\\udd11" } ',
        "a name twice: the last one counts": b'{"label":"first","content":"","label":"last"}',
        "names within a field are not declared": _NESTED,
        "U+FEFF within a text": '{"label":"\ufeff"}'.encode(),
    }
    for name, text in texts.items():
        yield _accept(name, text)
    greatest = str(2**64 - 1)
    yield _accept("the greatest version", b"{}", version=greatest)
    yield _accept("a version above 2^53", b"{}", version=str(2**53 + 1))
    yield _accept("blind indexes, of which no declaration speaks", b"{}", bi_1="ab", bi_2="a" * 51, bi_3="7")
    yield _accept_head("a head of no records", _STORE)
    yield _accept_head("a head at its bounds", {**_STORE, **_BOUNDS})


def _accept(name: str, text: bytes, *, version: str = "1", **clear: ClearValue) -> Json:
    made = sealed_vector(name, text, context=_at("claim#05#01", version=Number(version), **clear), key=DEK)
    return {**made, "declared": _DECLARED, "sealed_fields": _FIELDS, "fields": json.loads(text), "version": version}


def _accept_head(name: str, store: Json) -> Json:
    fields = {"store": store}
    head = sealed_vector(name, _compact(fields), context=_at("head"), key=DEK, label=Label.HEAD)
    return {**head, "declared": _DECLARED, "sealed_fields": _HEAD_FIELDS, "fields": fields, "version": "1"}


def _refused_payloads() -> Iterator[Json]:
    texts = {
        "empty": b"",
        "an array": b"[]",
        "a text": b'"label"',
        "null": b"null",
        "a number": b"1",
        "invalid UTF-8": b'{"label":"\xff"}',
        "overlong UTF-8": b'{"label":"\xc0\x80"}',
        "a surrogate in UTF-8": b'{"label":"\xed\xa0\x80"}',
        "cut UTF-8": b'{"label":"\xc3"}',
        "a byte order mark": b"\xef\xbb\xbf{}",
        "UTF-16": "{}".encode("utf-16-le"),
        "UTF-16 with a byte order mark": b"\xff\xfe" + "{}".encode("utf-16-le"),
        "UTF-32": "{}".encode("utf-32-be"),
        "NaN": b'{"label":NaN}',
        "Infinity": b'{"label":-Infinity}',
        "a comma at the end": b'{"label":"x",}',
        "a comment": b"{}//",
        "single quotes": b"{'label':1}",
        "a name without quotes": b"{label:1}",
        "a number with a leading zero": b'{"label":01}',
        "a control character in a text": b'{"label":"\x01"}',
        "a space that is none in JSON": b"{}\x0b",
        "two objects": b"{}{}",
        "a zero byte after it": b"{}\0",
        "cut": b'{"label":"x"',
    }
    for name, text in texts.items():
        yield _refuse(f"payload: {name}", text, _at("claim#05#02"))


def _refused_rows() -> Iterator[Json]:
    for text in ("0", "-1", "1.5", "1e-1", str(2**64), "1e20", "-18446744073709551615"):
        yield _refuse(f"version {text}", b"{}", _at("claim#05#03", version=Number(text)))
    wrong: dict[str, ClearValue] = {"version": "1", "entity_type": True, "created_at": Number("1"), "updated_at": None}
    for name, value in wrong.items():
        yield _refuse(f"{name} is of another type", b"{}", _at("claim#05#04", **{name: value}))
    yield _refuse("no JSON object, and an attribute that is not declared", b"[]", _at("claim#05#04", priority="high"))
    for name in ("version", "entity_type", "created_at", "updated_at"):
        context = _at("claim#05#04")
        clear = {key: value for key, value in context.clear.items() if key != name}
        yield _refuse(f"sealed without {name}", b"{}", context._replace(clear=clear))
    changes: dict[str, Json] = {
        "count is a text": {"count": "0"},
        "count is true": {"count": True},
        "count is a fraction": {"count": 0.5},
        "dek_version is null": {"dek_version": None},
        "last_event is a number": {"last_event": 1},
        "count is negative": {"count": -1},
        "count over 16,384": {"count": 16385},
        "dek_version is zero": {"dek_version": 0, "lowest_dek_version": 0},
        "dek_version of seven digits": {"dek_version": 1_000_000},
        "lowest_dek_version is zero": {"lowest_dek_version": 0},
        "lowest_dek_version above dek_version": {"lowest_dek_version": 3},
        "lowest_dek_version is true": {"lowest_dek_version": True},
        "sum of 511 digits": {"sum": "0" * 511},
        "sum of 514 digits": {"sum": "0" * 514},
        "sum of 64 digits": {"sum": "0" * 64},
        "sum in upper case": {"sum": "A" * 512},
        "sum with spaces": {"sum": "00 " * 256},
        "sum is a number": {"sum": 0},
        "hash_key of 31 bytes": {"hash_key": "0" * 62},
        "hash_key that is no hex": {"hash_key": "g" * 64},
    }
    for name, change in changes.items():
        yield _refuse_head(f"head: {name}", {**_STORE, **change})
    for name in _STORE:
        yield _refuse_head(f"head: no {name}", {key: value for key, value in _STORE.items() if key != name})
    for shown, store in {"null": None, "a text": "x", "an array": [], "empty": {}}.items():
        yield _refuse_head(f"head: store is {shown}", store)
    yield _refuse("head: no store", b"{}", _at("head"), label=Label.HEAD, fields=_HEAD_FIELDS)


def _refused_keys() -> Iterator[Json]:
    for length in (0, 31, 33, 64):
        plaintext = (fixed("half a key") * 2)[:length]
        yield _refuse(f"a DEK of {length} bytes", plaintext, _key_row(), key=KEK, label=Label.DEK, fields=[])


def _undeclared() -> Iterator[Json]:
    """What opens and is no tampering, though the entity does not declare it: its names, attributes before fields."""
    fields = {
        "a field": (b'{"label":"x","other":1}', ["other"]),
        "a field named as a clear attribute": (b'{"created_at":"x"}', ["created_at"]),
        "a declared field in upper case": (b'{"Label":"x"}', ["?"]),
        "a field of no name": (b'{"":1}', ["?"]),
        "a field named __proto__": (b'{"__proto__":{}}', ["?"]),
        "a field named constructor": (b'{"constructor":1}', ["constructor"]),
        "two fields": (b'{"b":1,"a":2}', ["a", "b"]),
    }
    for name, (text, names) in fields.items():
        yield _undeclare(name, text, _at("claim#05#05"), names=names)
    attributes: dict[str, tuple[dict[str, ClearValue], list[str]]] = {
        "an attribute": ({"priority": "high"}, ["priority"]),
        "a null attribute": ({"priority": None}, ["priority"]),
        "a blind index of no slot": ({"bi_0": "x", "bi_4": "x", "bi_vendor": "x"}, ["bi_0", "bi_4", "bi_vendor"]),
        "a blind index of another type": ({"bi_1": Number("1"), "bi_2": "a", "bi_3": None}, ["bi_1", "bi_3"]),
        "an attribute of the library's own": ({"expires_at": Number("1")}, ["expires_at"]),
        "an attribute named constructor": ({"constructor": "x"}, ["constructor"]),
        "an attribute of another type": ({"tenant_id": Number("1")}, ["tenant_id"]),
        "two attributes": ({"b": True, "a": "x"}, ["a", "b"]),
    }
    for name, (clear, names) in attributes.items():
        yield _undeclare(name, b"{}", _at("claim#05#06", **clear), names=names)
    both = _at("claim#05#07", priority="high")
    yield _undeclare("an attribute and a field", b'{"a":1}', both, names=["priority", "a"])
    store = {"store": {**_STORE, "mood": 1}}
    head = {"label": Label.HEAD, "fields": _HEAD_FIELDS}
    yield _undeclare("a member of a head's store", _compact(store), _at("head"), names=["store"], **head)
    options = {"key": KEK, "label": Label.DEK, "fields": []}
    for more, name in ((_key_row(epoch=Number("1")), "epoch"), (_key_row(bi_1="x"), "bi_1")):
        yield _undeclare(f"the attribute {name} of a DEK row", fixed("some key"), more, names=[name], **options)


def _undeclare(name: str, plaintext: bytes, context: Context, *, names: list[str], **options: Any) -> Json:
    made = _refuse(name, plaintext, context, **options)
    del made["step"]
    return {**made, "names": names}


def _key_row(**more: ClearValue) -> Context:
    clear: dict[str, ClearValue] = {
        "tenant_id": TENANT,
        "entity_type": "dek",
        "version": Number("1"),
        "format": Number("1"),
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    return Context("keys", TENANT, TENANT_KEY, DEK_ID, KEK_ID, {**clear, **more})


def _refuse_head(name: str, store: object) -> Json:
    return _refuse(name, _compact({"store": store}), _at("head"), label=Label.HEAD, fields=_HEAD_FIELDS)


def _refuse(
    name: str,
    plaintext: bytes,
    context: Context,
    *,
    key: bytes = DEK,
    label: Label = Label.RECORD,
    fields: list[str] = _FIELDS,
) -> Json:
    made = sealed_vector(name, plaintext, context=context, key=key, label=label)
    kept = {part: made[part] for part in ("label", "scope", "keys", "unauthenticated", "plaintext", "item", "digest")}
    return {"name": name, "step": "8 payload", **kept, "declared": _DECLARED, "sealed_fields": fields}


def _at(sk: str, **clear: ClearValue) -> Context:
    return Context("records", TENANT, PK, sk, DEK_ID, {**clear_of_record(sk.partition("#")[0]), **clear})


def _compact(fields: Json) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
