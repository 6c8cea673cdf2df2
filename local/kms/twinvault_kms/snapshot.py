"""Snapshots: a whole store with its seed in one file, sealed under a passphrase, so that a team can share a data set.

    TVKMSNAP (8) || version (1) || log2 N (1) || r (1) || p (1) || salt (16) || nonce (12) || AES-256-GCM ciphertext

The key is scrypt (RFC 7914) of the passphrase; everything before the ciphertext is its associated data. The plaintext
is JSON: the seed, and the entities as the journal holds them. A snapshot opens every key of its store: share it as you
would share the data it protects.
"""

import base64
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

import twinvault_durable as durable
from twinvault_kms.catalog import Catalog
from twinvault_kms.codec import decode_record, encode_record
from twinvault_kms.errors import SnapshotError
from twinvault_kms.journal import locked, read_records, replay, write_store
from twinvault_kms.model import PutEntity
from twinvault_kms.seed import Seed, load_seed, seed_line

_HEADER = struct.Struct(">8sBBBB16s12s")
_MAGIC = b"TVKMSNAP"
_VERSION = 1
_LOG2_N, _R, _P = 17, 8, 1  # 128 MiB and about a third of a second
_MOST_LOG2_N, _MOST_R, _MOST_P = 20, 16, 4  # what a file may ask of whoever opens it
_LEAST_PASSPHRASE = 12
SALT_BYTES = 16
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Store:
    """What a snapshot holds."""

    seed: Seed
    catalog: Catalog = field(repr=False)


def export_store(data: Path, *, seed_file: Path | None, passphrase: str, salt: bytes, nonce: bytes) -> bytes:
    """Return the snapshot of a store, which may be in use: a journal is whole up to its last record.

    Raises:
        StoreError: The store or its seed cannot be read.
        SnapshotError: The passphrase is too short.
    """
    if len(passphrase) < _LEAST_PASSPHRASE:
        raise SnapshotError(
            f"A passphrase has at least {_LEAST_PASSPHRASE} characters.", next_step="Choose a longer one."
        )
    seed = load_seed(seed_file or data / "seed")
    documents, _ = read_records(data / "journal")
    catalog = Catalog()
    replay(documents, into=catalog, fingerprint=seed.fingerprint())
    record = encode_record([PutEntity(entity) for entity in catalog.entities()])
    plaintext = json.dumps({"seed": base64.b64encode(seed.export()).decode(), **record}).encode()
    header = _HEADER.pack(_MAGIC, _VERSION, _LOG2_N, _R, _P, salt, nonce)
    return header + _cipher(passphrase, header).encrypt(nonce, plaintext, header)


def open_snapshot(snapshot: bytes, *, passphrase: str) -> Store:
    """Return what a snapshot holds.

    Raises:
        SnapshotError: It is none, the passphrase is wrong, or it was changed.
    """
    header = snapshot[: _HEADER.size]
    if len(header) < _HEADER.size or header[:8] != _MAGIC or header[8] != _VERSION:
        raise SnapshotError(
            "This is not a snapshot of the local KMS.", next_step="Give a file made by snapshot export."
        )
    nonce = _HEADER.unpack(header)[-1]
    try:
        plaintext = _cipher(passphrase, header).decrypt(nonce, snapshot[_HEADER.size :], header)
    except InvalidTag:
        raise SnapshotError("The passphrase is wrong, or the file was changed.", next_step="Try again.") from None
    document = json.loads(plaintext)
    catalog = Catalog()
    catalog.apply(decode_record(document))
    return Store(Seed(base64.b64decode(cast("str", document["seed"]))), catalog)


def import_store(store: Store, data: Path, *, seed_file: Path | None, replace: bool) -> None:
    """Make `data` the store, and its seed file the seed. Neither is replaced unless that is asked for.

    Raises:
        StoreLockedError: The store is in use.
        SnapshotError: There is a store or a seed already.
    """
    seed_path = seed_file or data / "seed"
    present = [path for path in (data / "journal", seed_path) if path.exists()]
    if present and not replace:
        raise SnapshotError(
            f"{present[0]} exists.", next_step="Give another --data, or --replace to lose what is there."
        )
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(data):
        # Seed first: a store whose seed is missing says so, a seed whose store is missing would start an empty one.
        durable.write(seed_path, seed_line(store.seed.export()))
        write_store(data / "journal", store.catalog, fingerprint=store.seed.fingerprint())


def _cipher(passphrase: str, header: bytes) -> AESGCM:
    _, _, log2_n, r, p, salt, _ = _HEADER.unpack(header)
    if log2_n > _MOST_LOG2_N or not 0 < r <= _MOST_R or not 0 < p <= _MOST_P:
        raise SnapshotError("The snapshot asks for too much memory or work.", next_step="Do not trust this file.")
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << log2_n, r=r, p=p).derive(passphrase.encode()))
