"""Names of attributes and keys, and sort keys: at the edges of their grammars, and just outside.

What is outside is sealed all the same, as a writer without the rule would seal it: a reader without the rule opens it.
"""

from collections.abc import Iterator

from tests.vectors.material import DEK, DEK_ID, KIND, PARTITION, PK, TENANT, Json, clear_of_record, fixed, sealed_vector
from twinvault.envelope import Context, Label, Number, encode_aad
from twinvault.envelope.aad import ClearValue
from twinvault.envelope.item import to_item
from twinvault.envelope.primitive import seal_bound
from twinvault.envelope.suite import DerivationKey

_BAD_NAMES = ("", "Status", "aB", "1a", "_a", "__proto__", "a-b", "a.b", "a#b", "a b", "a\n", "\n", "ä", "aä", "a" * 65)
_SEALED_UNDER = f"dek#{KIND}#{PARTITION}#"
_BAD_KEY_IDS = (
    "head",
    "kek#",
    "kek#00001",
    "kek#0000001",
    "kek#00000a",
    "kek#00000\u0661",
    "kek#000001#",
    "kek#000001 ",
    "kek#000001\n",
    " kek#000001",
    "kek#a#000001",
    "kek-000001",
    "Idx",
    "aidx",
    "idx\n",
    "idx#",
    "idx#000001",
    "register",
    "register-key#000001",
    "register-keys",
    "Register-Key",
    f"{_SEALED_UNDER}1",
    f"{_SEALED_UNDER}0000001",
    f"{_SEALED_UNDER}+00001",
    f"{_SEALED_UNDER}000001\n",
    f"dek#{KIND}##000001",
    f"dek#{KIND}#000001",
    f"dek#Dialogue#{PARTITION}#000001",
    f"dek#.a#{PARTITION}#000001",
    f"dek#{KIND}#-a#000001",
    f"dek#{KIND}#_a#000001",
    f"dek#{KIND}#ä#000001",
    f"dek#{KIND}#a/b#000001",
    f"dek#{'a' * 64}#{PARTITION}#000001",
    f"dek#{KIND}#{'a' * 64}#000001",
)


def within() -> list[Json]:
    """Names and sort keys that are just allowed: these open."""
    long_name, zero = "a" * 64, f"{_SEALED_UNDER}000000"
    cases: list[tuple[str, Context]] = [
        ("an attribute's name of 64 characters", _at("claim#02#01", **{long_name: "x"})),
        ("an attribute whose name begins with bi_", _at("claim#02#02", bi_status="open")),
        ("names that JavaScript's objects have by themselves", _at("claim#02#03", constructor="x", valueof=True)),
        ("a sort key of 1,024 bytes in 512 characters", _at("é" * 512)),
        ("a sort key of 1,024 bytes in 512 UTF-16 code units", _at("🔑" * 256)),
        ("a key numbered 000000", _at("claim#02#04")._replace(key_id=zero)),
        ("an id of one character and one with every sign", _at("claim#02#05")._replace(key_id="dek#0#a._-#000001")),
        ("a key named idx", _at("claim#02#08")._replace(key_id="idx")),
        ("a key named register-key", _at("claim#02#09")._replace(key_id="register-key")),
        (
            "numbers at the bounds",
            _at(
                "claim#02#06",
                a=Number("1.5E-130"),
                b=Number(f"{'9' * 38}e88"),
                c=Number("-1e-0130"),
                d=Number("0e9999"),
            ),
        ),
    ]
    made = [sealed_vector(name, b"{}", context=context, key=DEK) for name, context in cases]
    odd = sealed_vector(
        "an attribute outside the seal of a type that may not be clear", b"{}", context=_at("claim#02#07"), key=DEK
    )
    return [*made, {**odd, "unauthenticated": ["state"], "item": {**odd["item"], "state": {"L": [{"S": "active"}]}}}]


def outside() -> Iterator[tuple[str, str, Json, Json]]:
    """(name, step, item, other changes of the vector) of what is not allowed."""
    step = "4 clear attributes"
    for name in _BAD_NAMES:
        shown = f"{name[:8]!r}" + (f" of {len(name)} characters" if len(name) > 8 else "")
        yield f"sealed: an attribute named {shown}", step, *_with_attribute(name)
    for text in ("1e00001", "1e-131", "9.9e-131", "99e-132", "12e125", "0e10000", "1e", "1\n", "1" * 39 + "e-10"):
        yield f"a number written {text!r}", step, *_with_attribute("round", text)
    for text in _BAD_KEY_IDS:
        context = _at("claim#03#01")._replace(key_id=text)
        shown = repr(text) if len(text) < 64 else f"{text[:8]!r}... of {len(text)} characters"
        yield f"sealed under a key named {shown}", "2 key id", _sealed(context), _keyed(text)
    zero = f"{_SEALED_UNDER}000000"
    missing = _sealed(_at("claim#03#02")._replace(key_id=zero))
    yield "a key numbered 000000 that the scope does not have", "2 key id", missing, _keyed(DEK_ID)
    yield "sk of 1,025 bytes in 513 characters", "0 place", _sealed(_at("é" * 512 + "a")), _keyed(DEK_ID)
    yield "sk of 1,025 bytes in 513 UTF-16 code units", "0 place", _sealed(_at("🔑" * 256 + "a")), _keyed(DEK_ID)
    surrogates = _sealed(_at("claim#03#03"))
    for count, refused_at in ((1024, step), (1025, "0 place")):
        item = {**surrogates, "sk": {"S": "\ud800" * count}}
        yield f"sk of {count:,} lone surrogates", refused_at, item, _keyed(DEK_ID)


def _at(sk: str, **clear: ClearValue) -> Context:
    return Context("records", TENANT, PK, sk, DEK_ID, clear_of_record("claim", **clear))


def _keyed(name: str) -> Json:
    return {"keys": {name: DEK.hex()}}


def _with_attribute(name: str, number: str = "") -> tuple[Json, Json]:
    value = {"N": number} if number else {"S": "x"}
    sealed_as: ClearValue = Number("1") if number else "x"
    return {**_sealed(_at("claim#03#04", **{name: sealed_as})), name: value}, {}


def _sealed(context: Context) -> Json:
    """The item that a writer makes that checks no name."""
    salt, nonce = fixed(f"grammars: {context.sk}: salt"), fixed(f"grammars: {context.sk}: nonce", 12)
    aad = _unchecked_aad(context)
    return to_item(
        context, seal_bound(b"{}", key=DerivationKey(DEK), label=Label.RECORD, aad=aad, salt=salt, nonce=nonce)
    )


def _unchecked_aad(context: Context) -> bytes:
    place = encode_aad(context._replace(clear={}))[:-4]
    names = sorted(context.clear, key=str.encode)
    attributes = (_lp(name.encode()) + _typed_value(context.clear[name]) for name in names)
    return place + len(names).to_bytes(4) + b"".join(attributes)


def _typed_value(value: ClearValue) -> bytes:
    """What follows LP(name) in an AAD."""
    bare = Context("", "", "", "", "", {})
    return encode_aad(bare._replace(clear={"a": value}))[len(encode_aad(bare)) + len(_lp(b"a")) :]


def _lp(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
