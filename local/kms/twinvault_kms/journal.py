"""The durable store: an append-only journal of changes, one record a line, on disk before any answer that rests on it.

    <crc32, 8 hex digits> <space> <compact JSON: {"changes": [...]}> <newline>

The first record is the header: format and the seed's fingerprint. A record is written with one write and fsynced. After
a kill at any moment the last record is whole or torn; a torn one was never acknowledged and is cut off at the next
opening. A bad record that good ones follow is damage, and the store does not open. Opening rewrites a journal that has
grown long, so that either the old one or the new one is there, whole.

Reads, and the operations that only use keys, never come here.
"""

import contextlib
import json
import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import twinvault_durable as durable
from twinvault_kms.catalog import Catalog
from twinvault_kms.codec import decode_record, encode_record
from twinvault_kms.errors import SeedError, StoreDamagedError, StoreError, StoreLockedError
from twinvault_kms.model import Change, PutEntity
from twinvault_kms.seed import Seed

LOG = logging.getLogger("twinvault.kms")

FORMAT = 1
_NAME = "journal"
_CRC_DIGITS = 8
_SPARE_RECORDS = 1_000  # a journal this much longer than its catalog is rewritten at the next opening


class Journal:
    """One open store. Only one process holds it at a time."""

    def __init__(self, folder: Path, *, seed: Seed) -> None:
        """Open the store in `folder`, making it if there is none.

        Raises:
            StoreLockedError: Another process has it open.
            StoreDamagedError: A record does not verify.
            SeedError: It was made with another seed.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / _NAME
        self.catalog = Catalog()
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(folder))
            self._open(seed)
            stack.callback(lambda: os.close(self._file))
            self._held = stack.pop_all()

    def append(self, changes: Sequence[Change]) -> None:
        """Write the changes, wait for the disk, then make them visible in `catalog`.

        Raises:
            OSError: They could not be written; nothing changed.
        """
        record = _record(encode_record(changes))
        try:
            # What a failed write left behind must not stand before this record.
            os.ftruncate(self._file, self._size)
            _write_all(self._file, record)
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(record)
        self.catalog.apply(changes)

    def close(self) -> None:
        """Close the journal and release the store's lock."""
        self._held.close()

    def _open(self, seed: Seed) -> None:
        fresh = not self._path.exists()
        documents, size = ([], 0) if fresh else read_records(self._path)
        if not fresh:
            replay(documents, into=self.catalog, fingerprint=seed.fingerprint())
        if torn := 0 if fresh else self._path.stat().st_size - size:
            LOG.warning("the journal ends in a torn record of %d bytes, never acknowledged: cut off", torn)
        if fresh or len(documents) > len(self.catalog.entities()) + _SPARE_RECORDS:
            size = write_store(self._path, self.catalog, fingerprint=seed.fingerprint())
        self._size = size
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        os.ftruncate(self._file, size)
        os.fsync(self._file)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the store; the lock ends with the process that holds it, however that ends.

    Raises:
        StoreLockedError: Another process holds it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(durable.held(folder / "lock", wait=False))
        except durable.HeldError as error:
            raise StoreLockedError(
                f"The store {folder} is in use by another process.", next_step="Stop that one, or give another --data."
            ) from error
        yield


def read_records(path: Path) -> tuple[list[dict[str, object]], int]:
    """Return the records that verify, and how many bytes they take. A torn tail is left out.

    Raises:
        StoreDamagedError: A record that others follow does not verify.
        StoreError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The journal {path} cannot be read.", next_step="Look at its owner and mode.") from error
    documents: list[dict[str, object]] = []
    size = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        document = _verified(line)
        if document is None:
            if any(_verified(later) for later in lines[number + 1 :]):
                raise StoreDamagedError(
                    f"Record {number + 1} of {path} does not verify.",
                    next_step="Import a snapshot: twinvault kms snapshot import FILE --data DIR --replace",
                )
            break
        documents.append(document)
        size += len(line) + 1
    return documents, size


def replay(documents: Sequence[dict[str, object]], *, into: Catalog, fingerprint: str) -> None:
    """Build a catalog from a journal's records.

    Raises:
        SeedError: The journal was made with another seed.
        StoreDamagedError: The records are not those of a journal of this format.
    """
    if not documents:
        raise StoreDamagedError("The journal has no header.", next_step="Import a snapshot.")
    header, *rest = documents
    if header.get("format") != FORMAT:
        raise StoreDamagedError("The journal is of another format.", next_step="Use the version that wrote it.")
    if header.get("seed") != fingerprint:
        raise SeedError(
            "The store was made with another seed.", next_step="Give the seed it was made with: --seed-file"
        )
    try:
        for document in rest:
            into.apply(decode_record(document))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreDamagedError(
            "The journal holds a record of an unknown shape.", next_step="Import a snapshot."
        ) from error


def write_store(path: Path, catalog: Catalog, *, fingerprint: str) -> int:
    """Write a whole journal in place of the old one, atomically and durably, and return its size."""
    data = _record({"format": FORMAT, "seed": fingerprint}) + _records(
        PutEntity(entity) for entity in catalog.entities()
    )
    durable.write(path, data)
    return len(data)


def _records(changes: Iterable[Change]) -> bytes:
    return b"".join(_record(encode_record([change])) for change in changes)


def _record(document: dict[str, object]) -> bytes:
    line = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(line), line)


def _verified(line: bytes) -> dict[str, object] | None:
    checksum, _, body = line.partition(b" ")
    if len(checksum) != _CRC_DIGITS or b"%08x" % zlib.crc32(body) != checksum:
        return None
    document = json.loads(body)
    return document if isinstance(document, dict) else None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
