"""The greatest and the smallest seals. Their bytes are said, not written out: nobody reads half a megabyte of hex."""

import hashlib

from tests.vectors.material import DEK, DEK_ID, PK, TENANT, Json, clear_of_record, sealed_vector
from twinvault.envelope import MAX_PLAINTEXT_BYTES, Context

_WRITTEN_OUT = ("plaintext", "padded", "ciphertext")
_BYTE = b"x"


def limits() -> Json:
    """A seal of the greatest length, and ciphertexts of zeros just within the limits and just outside."""
    context = Context("records", TENANT, PK, "claim#04#01", DEK_ID, clear_of_record("claim"))
    made = sealed_vector("the longest plaintext", _BYTE * MAX_PLAINTEXT_BYTES, context=context, key=DEK)
    ciphertext = bytes.fromhex(made["ciphertext"])
    item = {name: value for name, value in made["item"].items() if name != "content_encrypted"}
    short = {name: value for name, value in made.items() if name not in _WRITTEN_OUT}
    longest = {
        **short,
        "item": item,
        "plaintext_byte": _BYTE.hex(),
        "plaintext_length": MAX_PLAINTEXT_BYTES,
        "ciphertext_length": len(ciphertext),
        "ciphertext_sha256": hashlib.sha256(ciphertext).hexdigest(),
    }
    opened_with = {name: made[name] for name in ("label", "scope", "keys", "unauthenticated")}
    zeros = [
        {
            "name": f"a ciphertext of {length:,} zero bytes",
            "step": step,
            **opened_with,
            "item": item,
            "content_encrypted_zeros": length,
        }
        for length, step in (
            (271, "3 lengths"),
            (272, "6 ciphertext"),
            (len(ciphertext), "6 ciphertext"),
            (len(ciphertext) + 1, "3 lengths"),
        )
    ]
    return {"longest": longest, "refused": zeros}
