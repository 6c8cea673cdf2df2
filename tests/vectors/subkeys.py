"""What is derived from keys beside records' keys: the KDF itself, sub-keys of the idx key, opaque ids, fingerprints."""

from tests.vectors.material import DEK, IDX, KEK, KEK_ID, KIND, TENANT, Json, fixed, kdf_input
from twinvault.envelope.aad import lp
from twinvault.envelope.subkeys import blind_key, cursor_key, fingerprint, partition_id_key, request_key
from twinvault.envelope.suite import kdf
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
            "output": kdf(DEK, label=label.encode(), context=data, bits=bits).hex(),
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


def _fingerprint(key: bytes, tenant: str, sk: str) -> Json:
    context = lp(tenant.encode()) + lp(sk.encode())
    return {
        "key": key.hex(),
        "tenant": tenant,
        "sk": sk,
        "kdf_input": kdf_input("twinvault/v1/fingerprint", context, bits=256).hex(),
        "fingerprint": fingerprint(key, tenant=tenant, sk=sk).hex(),
    }
