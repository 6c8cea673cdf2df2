"""What is derived from keys beside records' keys: the KDF, sub-keys of the idx key and what they hide, fingerprints."""

from collections.abc import Callable

from tests.vectors.material import DEK, IDX, KEK, KEK_ID, KIND, TENANT, Json, fixed, kdf_input
from twinvault.envelope.aad import lp
from twinvault.envelope.subkeys import blind_key, cursor_key, fingerprint, partition_id_key, request_key
from twinvault.envelope.suite import DerivationKey, kdf
from twinvault.records.blind import MAX_BITS, Blind, Blinder, as_it_is, casefold_nfc, encode_value
from twinvault.records.opaque import opaque_id

_SUB = "twinvault/v1/sub"
_ODD_KIND = "a.b_c-d"


def subkeys() -> Json:
    """Each with what HMAC-SHA-512 is of."""
    return {
        "kdf": [*_lengths()],
        "index_key": IDX.hex(),
        "sub_keys": [
            _derived("partition-id", [KIND], partition_id_key(IDX, KIND)),
            _derived("partition-id", [_ODD_KIND], partition_id_key(IDX, _ODD_KIND)),
            _blind(1, KIND, "expert", field="role"),
            _blind(2, KIND, "expert", field="role"),
            _blind(12, KIND, "expertr", field="ole"),
            _derived("cursor", [], cursor_key(IDX)),
            _derived("request", [], request_key(IDX)),
        ],
        "partition_ids": [
            _opaque(caller_id, kind)
            for caller_id, kind in (
                ("tea or coffee? / 2026", KIND),
                ("tea or coffee? / 2026", _ODD_KIND),
                ("x", KIND),
                ("Ключ 🔑 e\u0301 \u00e9\n", KIND),
                ("y" * 256, KIND),
            )
        ],
        "blind_indexes": [
            _blind_index("text", "ada@example.com"),
            _blind_index("text normalized by casefold_nfc", "Ada@Example.COM", normalize=casefold_nfc),
            _blind_index("the normalized text as it is", "ada@example.com", normalize=casefold_nfc),
            _blind_index("an accent written as a character of its own", "Zoe\u0301", normalize=casefold_nfc),
            _blind_index("empty text", ""),
            _blind_index("text beyond the basic plane, with a zero", "\U0001f511\0"),
            _blind_index("text 1", "1"),
            _blind_index("number 1", 1),
            _blind_index("true", value=True),
            _blind_index("false", value=False),
            _blind_index("zero", 0),
            _blind_index("a number with zeros at its end", -1200),
            _blind_index("38 digits", 10**38 - 1),
            _blind_index("5 bits", "ada@example.com", bits=5),
            _blind_index("20 bits", "ada@example.com", bits=20),
            _blind_index("another generation", "ada@example.com", generation=2),
            _blind_index("another field", "ada@example.com", field="address"),
            _blind_index("another entity", "ada@example.com", entity="guest"),
            _blind_index("another kind", "ada@example.com", kind=_ODD_KIND),
        ],
        "fingerprints": [
            _fingerprint(KEK, TENANT, KEK_ID),
            _fingerprint(KEK, TENANT, "kek#000002"),
            _fingerprint(IDX, TENANT, "idx"),
            _fingerprint(IDX, f"{TENANT}i", "dx"),
        ],
    }


def _lengths() -> list[Json]:
    """KDF(key, label, context, bits) by itself, of one block and of several."""
    label, context = "twinvault/v1/example", fixed("kdf context")
    return [
        {
            "key": DEK.hex(),
            "label": label,
            "context": data.hex(),
            "bits": bits,
            "kdf_input": kdf_input(label, data, bits=bits).hex(),
            "output": kdf(DerivationKey(DEK), label=label.encode(), context=data, bits=bits).hex(),
        }
        for data, bits in ((context, 512), (context, 256), (context, 8), (context, 520), (context, 1536), (b"", 512))
    ]


def _derived(use: str, parts: list[str], key: bytes) -> Json:
    label, context = f"{_SUB}/{use}", b"".join(lp(part.encode()) for part in parts)
    return {
        "label": label,
        "parts": parts,
        "context": context.hex(),
        "kdf_input": kdf_input(label, context, bits=256).hex(),
        "key": key.hex(),
    }


def _blind(generation: int, kind: str, entity: str, *, field: str) -> Json:
    key = blind_key(IDX, generation=generation, kind=kind, entity=entity, field=field)
    return _derived("blind", [str(generation), kind, entity, field], key)


def _opaque(caller_id: str, kind: str) -> Json:
    sub_key = partition_id_key(IDX, kind)
    partition = opaque_id(caller_id, kind=kind, index_key=IDX)
    return {"id": caller_id, "kind": kind, "sub_key": sub_key.hex(), "partition": partition}


def _blind_index(
    name: str,
    value: str | int,
    *,
    generation: int = 1,
    kind: str = KIND,
    entity: str = "person",
    field: str = "email",
    normalize: Callable[[str], str] = as_it_is,
    bits: int = MAX_BITS,
) -> Json:
    blind = Blind(slot=1, normalize=normalize, bits=bits)
    encoded = encode_value(value, blind, entity=entity, name=field)
    return {
        "name": name,
        "generation": generation,
        "kind": kind,
        "entity": entity,
        "field": field,
        "value": _typed(value),
        "normalized": _typed(normalize(value) if isinstance(value, str) else value),
        "bits": bits,
        "sub_key": blind_key(IDX, generation=generation, kind=kind, entity=entity, field=field).hex(),
        "hmac_input": encoded.hex(),
        "blind_index": Blinder(IDX, generation, kind).value(entity, field, blind=blind, encoded=encoded),
    }


def _typed(value: str | int) -> Json:
    """As DynamoDB writes it: a JSON reader may have no number of 38 digits."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case _:
            return {"N": str(value)}


def _fingerprint(key: bytes, tenant: str, sk: str) -> Json:
    context = lp(tenant.encode()) + lp(sk.encode())
    return {
        "key": key.hex(),
        "tenant": tenant,
        "sk": sk,
        "kdf_input": kdf_input("twinvault/v1/fingerprint", context, bits=256).hex(),
        "fingerprint": fingerprint(key, tenant=tenant, sk=sk).hex(),
    }
