"""The envelope against its peers.

python -m benchmarks.envelope [--samples N]     (scripts/bench makes the environment and calls this)
"""

import argparse
import hashlib
import hmac
import os
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.contenders import Contender, contenders
from benchmarks.record import record
from benchmarks.results import Figures, save, say
from benchmarks.timing import medians, throughput
from twinvault.envelope import Context, Label, Number, Opened, encode_aad, open_sealed, pad, seal_with_fresh_randomness
from twinvault.envelope.primitive import derive, open_bound, seal_bound, seal_digest
from twinvault.envelope.suite import DerivationKey, gcm_decrypt, gcm_encrypt
from twinvault.records.head import term

SIZES = {"1 KB": 1_000, "10 KB": 10_000, "200 KB": 200_000}
OURS, OLDER = "twinvault", "dynamodb-encryption-sdk"
RUNS = 3
KEY = bytes(range(32))
DERIVATION_KEY = DerivationKey(KEY)
_SHA256 = SHA256()

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinvault.envelope.aad import ClearValue


def main() -> None:
    """Measure, and write envelope.json."""
    parser = argparse.ArgumentParser(description="The envelope against its peers.")
    parser.add_argument("--samples", type=int, default=40, help="samples of each contender (default 40)")
    samples = parser.parse_args().samples
    everyone = contenders()
    found = {
        "samples": samples,
        "records": {size: _records(everyone, length, samples) for size, length in SIZES.items()},
        "again": [_ratio(everyone, samples, run) for run in range(1, RUNS + 1)],
        "crypto": _crypto(samples),
        "parts": _parts(samples),
        "threads": _threads(everyone),
    }
    save("envelope", found)


def _records(everyone: list[Contender], length: int, samples: int) -> Figures:
    """Microseconds of both ways, by contender: dict to DynamoDB item and back."""
    say(f"a record of {length} bytes")
    document = record(length)
    items = {one.name: one.seal(document) for one in everyone}
    for one in everyone:
        if one.open(items[one.name]) != document:
            raise SystemExit(f"{one.name} does not return what it was given")
    seals = medians({one.name: partial(one.seal, document) for one in everyone}, samples=samples)
    opens = medians({one.name: partial(one.open, items[one.name]) for one in everyone}, samples=samples)
    return {name: {"seal": seal, "open": opens[name]} for name, seal in seals.items()}


def _ratio(everyone: list[Contender], samples: int, run: int) -> float:
    """How many times as fast as AWS's older client ours is with a 1 KB record, in a run of its own."""
    say(f"the 1 KB record again, run {run} of {RUNS}")
    two = [one for one in everyone if one.name in {OURS, OLDER}]
    times = {name: sum(both.values()) for name, both in _records(two, SIZES["1 KB"], samples).items()}
    return float(times[OLDER] / times[OURS])


def _crypto(samples: int) -> Figures:
    """Microseconds from plaintext bytes to ciphertext bytes and back, by size."""
    say("the crypto alone")
    context = sample_context()
    aad = encode_aad(context)
    found = {}
    for size, length in SIZES.items():
        plaintext = os.urandom(length)
        works: dict[str, Callable[[], object]] = {
            "raw": partial(_raw_round_trip, plaintext, aad),
            "crypto": partial(_crypto_round_trip, pad(plaintext), aad),
            "evidence": partial(_evident_round_trip, pad(plaintext), aad),
            "whole": partial(_round_trip, plaintext, context),
        }
        found[size] = medians(works, samples=samples)
    return found


def _raw_round_trip(plaintext: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(12)
    return AESGCM(KEY).decrypt(nonce, AESGCM(KEY).encrypt(nonce, plaintext, aad), aad)


def _crypto_round_trip(padded: bytes, aad: bytes) -> bytes:
    """Randomness, derivation, commitment and GCM: what a seal and an open do with the bytes once they have them."""
    drawn = os.urandom(44)
    salt, nonce = drawn[:32], drawn[32:]
    record_key, commitment = derive(DERIVATION_KEY, salt, label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest())
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=padded, aad=aad)
    record_key, again = derive(DERIVATION_KEY, salt, label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest())
    if not hmac.compare_digest(commitment, again):
        raise SystemExit("the commitment differs")
    return gcm_decrypt(record_key, nonce, ciphertext=ciphertext, aad=aad)


def _evident_round_trip(padded: bytes, aad: bytes) -> bytes:
    """The same, and each way the digest and its term in the head's sum: a writer and a reader need both."""
    drawn = os.urandom(44)
    salt, nonce = drawn[:32], drawn[32:]
    aad_hash = hashlib.sha256(aad).digest()
    record_key, commitment = derive(DERIVATION_KEY, salt, label=Label.RECORD, aad_hash=aad_hash)
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=padded, aad=aad)
    digest = seal_digest(
        ciphertext, label=Label.RECORD, aad_hash=aad_hash, salt=salt, commitment=commitment, nonce=nonce
    )
    term(KEY, digest)
    aad_hash = hashlib.sha256(aad).digest()
    record_key, again = derive(DERIVATION_KEY, salt, label=Label.RECORD, aad_hash=aad_hash)
    if not hmac.compare_digest(commitment, again):
        raise SystemExit("the commitment differs")
    opened = gcm_decrypt(record_key, nonce, ciphertext=ciphertext, aad=aad)
    digest = seal_digest(
        ciphertext, label=Label.RECORD, aad_hash=aad_hash, salt=salt, commitment=commitment, nonce=nonce
    )
    term(KEY, digest)
    return opened


def _round_trip(plaintext: bytes, context: Context) -> Opened:
    sealed = seal_with_fresh_randomness(plaintext, key=KEY, label=Label.RECORD, context=context)
    return open_sealed(sealed, key=KEY, label=Label.RECORD, context=context)


def _parts(samples: int) -> Figures:
    """Where the microseconds of a 1 KB seal go."""
    say("the parts of a seal")
    context, plaintext = sample_context(), os.urandom(1000)
    aad, padded, drawn = encode_aad(context), pad(plaintext), os.urandom(44)
    works: dict[str, Callable[[], object]] = {
        "the AAD of 8 attributes": lambda: encode_aad(context),
        "KDF with SHA-256 of the AAD": lambda: derive(
            DERIVATION_KEY, drawn[:32], label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest()
        ),
        "cryptography's HKDF instead": lambda: HKDF(_SHA256, 64, drawn[:32], aad[:52]).derive(KEY),
        "digest": lambda: seal_digest(
            padded, label=Label.RECORD, aad_hash=drawn[:32], salt=drawn[:32], commitment=drawn[:32], nonce=drawn[32:]
        ),
        "term of the head's sum": lambda: term(KEY, drawn[:32]),
        "AES-GCM, fresh key object": lambda: gcm_encrypt(KEY, drawn[32:], plaintext=padded, aad=aad),
        "padding": lambda: pad(plaintext),
        "44 random bytes": lambda: os.urandom(44),
        "seal, the AAD given": lambda: seal_bound(
            plaintext, key=DERIVATION_KEY, label=Label.RECORD, aad=aad, salt=drawn[:32], nonce=drawn[32:]
        ),
    }
    sealed = works["seal, the AAD given"]()
    works["open, the AAD given"] = lambda: open_bound(sealed, key=DERIVATION_KEY, label=Label.RECORD, aad=aad)  # type: ignore[arg-type]  # the Sealed made above
    return medians(works, samples=samples)


def _threads(everyone: list[Contender]) -> Figures:
    """Round trips of a 1 KB record a second, of one thread and of two."""
    say("two threads")
    document = record(SIZES["1 KB"])

    def round_trip(one: Contender) -> None:
        one.open(one.seal(document))

    return {one.name: [throughput(partial(round_trip, one), threads=threads) for threads in (1, 2)] for one in everyone}


def sample_context() -> Context:
    """A context of 8 clear attributes."""
    clear: dict[str, ClearValue] = {
        "tenant_id": "acme",
        "entity_type": "item",
        "version": Number("1"),
        "format": Number("1"),
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
        "status": "open",
        "calibrated": True,
    }
    pk, key_id = "tenant#acme#bench#k3v7xqz2m4n5p6r7s8t9abcdef", "dek#bench#k3v7xqz2m4n5p6r7s8t9abcdef#000001"
    return Context("records", "acme", pk, "item#01#02", key_id, clear)


if __name__ == "__main__":
    main()
