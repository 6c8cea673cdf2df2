"""The envelope against its peers.

python -m benchmarks.envelope [--samples N]     (scripts/bench makes the environment and calls this)
"""

import argparse
import hashlib
import hmac
import os
import platform
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.contenders import Contender, contenders
from benchmarks.record import record
from benchmarks.timing import medians, throughput
from twinvault.envelope import Context, Label, Number, Opened, encode_aad, open_sealed, pad, seal_with_fresh_randomness
from twinvault.envelope.primitive import derive, open_bound, seal_bound, seal_digest
from twinvault.envelope.suite import gcm_decrypt, gcm_encrypt
from twinvault.records.head import term

SIZES = {"1 KB": 1_000, "10 KB": 10_000, "200 KB": 200_000}
OURS, RAW = "twinvault", "raw AES-GCM"
KEY = bytes(range(32))
_SHA256 = SHA256()

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Prints the tables of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description="The envelope against its peers.")
    parser.add_argument("--samples", type=int, default=40, help="samples of each contender (default 40)")
    samples = parser.parse_args().samples
    _print(f"{_machine()}\nmedians of {samples} samples, contenders alternating\n")
    _records(contenders(), samples)
    _crypto(samples)
    _parts(samples)
    _threads(contenders())


def _records(everyone: list[Contender], samples: int) -> None:
    for size, length in SIZES.items():
        document = record(length)
        items = {one.name: one.seal(document) for one in everyone}
        for one in everyone:
            if one.open(items[one.name]) != document:
                raise SystemExit(f"{one.name} does not return what it was given")
        seals = medians({one.name: partial(one.seal, document) for one in everyone}, samples=samples)
        opens = medians({one.name: partial(one.open, items[one.name]) for one in everyone}, samples=samples)
        _print(f"\n{size} record, dict to DynamoDB item and back\n")
        _print("| | seal µs | open µs | both µs | to ours |\n|---|---:|---:|---:|---:|")
        ours = seals[OURS] + opens[OURS]
        for name, seal in seals.items():
            both = seal + opens[name]
            _print(f"| {name} | {seal:,.0f} | {opens[name]:,.0f} | {both:,.0f} | {both / ours:.1f} |")


def _crypto(samples: int) -> None:
    """From plaintext bytes to ciphertext bytes and back."""
    _print("\nBytes to bytes and back\n")
    _print("| | raw AES-GCM µs | the crypto alone µs | ratio | with digest and term µs | ratio | whole µs | ratio |")
    _print("|---|---:|---:|---:|---:|---:|---:|---:|")
    context = sample_context()
    aad = encode_aad(context)
    for size, length in SIZES.items():
        plaintext = os.urandom(length)
        works = {
            "raw": partial(_raw_round_trip, plaintext, aad),
            "crypto": partial(_crypto_round_trip, pad(plaintext), aad),
            "evidence": partial(_evident_round_trip, pad(plaintext), aad),
            "whole": partial(_round_trip, plaintext, context),
        }
        times = medians(works, samples=samples)
        raw = times.pop("raw")
        _print(
            f"| {size} | {raw:.1f} | " + " | ".join(f"{time:.1f} | {time / raw:.1f}" for time in times.values()) + " |"
        )


def _raw_round_trip(plaintext: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(12)
    return AESGCM(KEY).decrypt(nonce, AESGCM(KEY).encrypt(nonce, plaintext, aad), aad)


def _crypto_round_trip(padded: bytes, aad: bytes) -> bytes:
    """Randomness, derivation, commitment and GCM: what a seal and an open do with the bytes once they have them."""
    drawn = os.urandom(44)
    salt, nonce = drawn[:32], drawn[32:]
    record_key, commitment = derive(KEY, salt, label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest())
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=padded, aad=aad)
    record_key, again = derive(KEY, salt, label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest())
    if not hmac.compare_digest(commitment, again):
        raise SystemExit("the commitment differs")
    return gcm_decrypt(record_key, nonce, ciphertext=ciphertext, aad=aad)


def _evident_round_trip(padded: bytes, aad: bytes) -> bytes:
    """The same, and each way the digest and its term in the head's sum: a writer and a reader need both."""
    digest_of = partial(seal_digest, label=Label.RECORD)
    drawn = os.urandom(44)
    salt, nonce = drawn[:32], drawn[32:]
    aad_hash = hashlib.sha256(aad).digest()
    record_key, commitment = derive(KEY, salt, label=Label.RECORD, aad_hash=aad_hash)
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=padded, aad=aad)
    term(KEY, digest_of(ciphertext, aad_hash=aad_hash, salt=salt, commitment=commitment, nonce=nonce))
    aad_hash = hashlib.sha256(aad).digest()
    record_key, again = derive(KEY, salt, label=Label.RECORD, aad_hash=aad_hash)
    if not hmac.compare_digest(commitment, again):
        raise SystemExit("the commitment differs")
    opened = gcm_decrypt(record_key, nonce, ciphertext=ciphertext, aad=aad)
    term(KEY, digest_of(ciphertext, aad_hash=aad_hash, salt=salt, commitment=commitment, nonce=nonce))
    return opened


def _round_trip(plaintext: bytes, context: Context) -> Opened:
    sealed = seal_with_fresh_randomness(plaintext, key=KEY, label=Label.RECORD, context=context)
    return open_sealed(sealed, key=KEY, label=Label.RECORD, context=context)


def _parts(samples: int) -> None:
    """Where the time of a 1 KB seal goes."""
    context, plaintext = sample_context(), os.urandom(1000)
    aad, padded, drawn = encode_aad(context), pad(plaintext), os.urandom(44)
    works: dict[str, Callable[[], object]] = {
        "the AAD of 8 attributes": lambda: encode_aad(context),
        "KDF with SHA-256 of the AAD": lambda: derive(
            KEY, drawn[:32], label=Label.RECORD, aad_hash=hashlib.sha256(aad).digest()
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
            plaintext, key=KEY, label=Label.RECORD, aad=aad, salt=drawn[:32], nonce=drawn[32:]
        ),
    }
    sealed = works["seal, the AAD given"]()
    works["open, the AAD given"] = lambda: open_bound(sealed, key=KEY, label=Label.RECORD, aad=aad)  # type: ignore[arg-type]  # the Sealed made above
    _print("\nParts of a 1 KB seal\n\n| | µs |\n|---|---:|")
    for name, time in medians(works, samples=samples).items():
        _print(f"| {name} | {time:.2f} |")


def _threads(everyone: list[Contender]) -> None:
    _print("\nRound trips of a 1 KB record a second\n\n| | 1 thread | 2 threads |\n|---|---:|---:|")
    document = record(SIZES["1 KB"])
    for one in everyone:
        rates = [throughput(lambda one=one: one.open(one.seal(document)), threads=threads) for threads in (1, 2)]  # type: ignore[misc]  # a default argument binds the loop's value
        _print(f"| {one.name} | {rates[0]:,.0f} | {rates[1]:,.0f} |")


def sample_context() -> Context:
    """A context of 8 clear attributes."""
    clear = {
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


def _machine() -> str:
    """The machine and the versions, for whoever reads the figures later."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    packages = ("cryptography", "boto3", "dynamodb-encryption-sdk", "aws-encryption-sdk")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{cpu.partition(': ')[2]}, {os.cpu_count()} cores; Python {platform.python_version()}; {versions}"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
