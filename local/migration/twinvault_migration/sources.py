"""Sources of items: a table, or the files of an export. Each goes on at a cursor that an earlier call gave.

An export is a folder of DynamoDB's full export in the format DYNAMODB_JSON, copied from S3: `manifest-files.json` says
which data files there are, how many items each has and its MD5; or a folder of such data files, or one of them. Source:
"DynamoDB table export output format" (amazondynamodb/latest/developerguide/S3DataExport.Output.html).
"""

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from twinvault_migration.attributes import WireItem, from_json, to_json
from twinvault_migration.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CHUNK = 100
_MANIFEST, _SUMMARY = "manifest-files.json", "manifest-summary.json"

type Cursor = dict[str, Any]
"""Where a source goes on, as JSON."""


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One item of a source.

    Attributes:
        position: where it stands: `item 17` of a table's scan, `a.json.gz:17` of a file, counted from 1.
        item: what stands there; None: no item in DynamoDB's JSON.
    """

    position: str
    item: WireItem | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items, and where what follows them begins; None: nothing does."""

    found: list[SourceItem]
    next: Cursor | None


class Source(Protocol):
    """Gives its items in an order that stays as long as nobody changes it."""

    @property
    def name(self) -> str:
        """What it is, as the report says it."""

    def chunks(self, cursor: Cursor | None) -> Iterator[Chunk]:
        """The items from a cursor on; None: from the beginning."""


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table, by consistent scans."""

    client: "DynamoDBClient"
    table: str
    size: int = CHUNK

    @property
    def name(self) -> str:
        """As `Source`."""
        return f"table {self.table}"

    def chunks(self, cursor: Cursor | None) -> Iterator[Chunk]:
        """As `Source`."""
        done = cursor["items"] if cursor else 0
        begin: dict[str, Any] = {"ExclusiveStartKey": from_json(cursor["key"])} if cursor else {}
        while True:
            try:
                page = self.client.scan(TableName=self.table, ConsistentRead=True, Limit=self.size, **begin)
            except (BotoCoreError, ClientError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
                raise SourceError(f"table {self.table} cannot be read: {code}") from None
            found = [SourceItem(f"item {at}", item) for at, item in enumerate(page["Items"], done + 1)]
            done += len(found)
            last = page.get("LastEvaluatedKey")
            yield Chunk(found, {"items": done, "key": to_json(last)} if last else None)
            if not last:
                return
            begin = {"ExclusiveStartKey": last}


@dataclass(frozen=True, slots=True)
class ExportSource:
    """The files of an export."""

    path: Path
    size: int = CHUNK

    @property
    def name(self) -> str:
        """As `Source`."""
        return f"export {self.path.name}"

    def chunks(self, cursor: Cursor | None) -> Iterator[Chunk]:
        """As `Source`."""
        files = _files(self.path)
        first, line = (cursor["file"], cursor["line"]) if cursor else (0, 0)
        for at, file in enumerate(files[first:], first):
            for end, found in self._parts(file, line):
                yield Chunk(found, {"file": at, "line": end})
            line = 0
        yield Chunk([], None)

    def _parts(self, file: Path, done: int) -> Iterator[tuple[int, list[SourceItem]]]:
        try:
            with _opened(file) as lines:
                numbered = islice(enumerate(lines, 1), done, None)
                while part := list(islice(numbered, self.size)):
                    yield (
                        part[-1][0],
                        [SourceItem(f"{file.name}:{at}", _item(line)) for at, line in part if line.strip()],
                    )
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{file.name}: cannot be read ({type(error).__name__})") from None


def _opened(file: Path) -> BinaryIO:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]  # it reads likewise


def _item(line: bytes) -> WireItem | None:
    try:
        return from_json(json.loads(line)["Item"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f"{path.name}: there is no such file or folder")
    if (path / _MANIFEST).is_file():
        return _of_manifest(path)
    found = sorted(one for one in path.iterdir() if one.name.endswith((".json.gz", ".json", ".ndjson")))
    if not found:
        raise SourceError(f"{path.name}: holds neither {_MANIFEST} nor files of an export (.json.gz, .json)")
    return found


def _of_manifest(path: Path) -> list[Path]:
    """The data files that the manifest lists, each as it was exported: beside it in `data`, or in the same folder."""
    if (path / _SUMMARY).is_file():
        summary = _read_json((path / _SUMMARY).read_bytes(), _SUMMARY)
        if summary.get("outputFormat") != "DYNAMODB_JSON" or summary.get("exportType", "FULL_EXPORT") != "FULL_EXPORT":
            raise SourceError(f"{_SUMMARY}: must be of a full export in the format DYNAMODB_JSON")
    files = []
    for line in (path / _MANIFEST).read_bytes().splitlines():
        if not line.strip():
            continue
        entry = _read_json(line, _MANIFEST)
        name = str(entry.get("dataFileS3Key", "")).rpartition("/")[2]
        file = next((one for one in (path / "data" / name, path / name) if name and one.is_file()), None)
        if file is None:
            raise SourceError(f"{_MANIFEST}: a data file that it lists is not there: {name or 'without a name'}")
        with file.open("rb") as content:
            # The checksum of the export against damage on the way, as AWS gives it; no security rests on it.
            digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).digest()
        if entry.get("md5Checksum", base64.b64encode(digest).decode()) != base64.b64encode(digest).decode():
            raise SourceError(f"{name}: is not as it was exported: its MD5 is another one than the manifest's")
        files.append(file)
    return files


def _read_json(content: bytes, name: str) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise SourceError(f"{name}: is not as DynamoDB writes it")
    return told
