"""The life of a file that `export --all` writes: whole at the end, whatever kills it on the way."""

import json
import stat
from pathlib import Path

import pytest

from twinvault_cli.errors import UsageError
from twinvault_cli.export_file import partial_of, under_way

DOCUMENTS = {
    name: json.dumps({"id": name, "title": "é\u2028"}, ensure_ascii=False).encode() for name in ("a", "b", "c")
}
WHOLE = b"".join(line + b"\n" for line in DOCUMENTS.values())


def go_on(path: Path, *, force: bool = False) -> set[str]:
    """Writes what is missing; what was there before."""
    with under_way(path, force=force) as file:
        before = set(file.ids)
        for name, document in DOCUMENTS.items():
            if name not in before:
                file.add(name, document)
        file.finish()
    return before


def test_a_writer_that_is_killed_at_any_byte_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    for length in range(len(WHOLE) + 1):
        partial_of(path).write_bytes(WHOLE[:length])
        before = go_on(path)
        assert len(before) == WHOLE[:length].count(b"\n")
        assert path.read_bytes() == WHOLE, length
        assert not partial_of(path).exists()
        path.unlink()


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(b"\0" * 40 + b"\n", id="a block that the disk never got"),
        pytest.param(DOCUMENTS["b"][:-3] + b"\n", id="a line that ends early"),
        pytest.param(b"{}\n", id="no id"),
        pytest.param(b"[" * 100_000 + b"\n", id="too deep"),
        pytest.param(b"\n" + DOCUMENTS["b"] + b"\n", id="a blank line"),
    ],
)
def test_from_the_first_line_on_that_is_no_document_it_is_written_again(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "all.ndjson"
    partial_of(path).write_bytes(DOCUMENTS["a"] + b"\n" + torn + DOCUMENTS["c"] + b"\n")
    assert go_on(path) == {"a"}
    assert path.read_bytes() == WHOLE


def test_what_no_export_left_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    partial_of(path).write_bytes(b"my notes\n")
    with pytest.raises(UsageError, match="not what an export left"):
        go_on(path)
    assert partial_of(path).read_bytes() == b"my notes\n"


def test_only_its_owner_can_read_it_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    partial_of(path).write_bytes(b"")
    partial_of(path).chmod(0o644)
    with under_way(path, force=False) as file:
        assert stat.S_IMODE(partial_of(path).stat().st_mode) == 0o600
        file.finish()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_replaced_by_force_alone_and_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    path.write_bytes(b"old")
    with pytest.raises(UsageError, match="there already"):
        go_on(path)
    assert not partial_of(path).exists()
    with under_way(path, force=True) as file:
        file.add("a", DOCUMENTS["a"])
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"old", "it was not finished"
    go_on(path, force=True)
    assert path.read_bytes() == WHOLE


def test_a_file_that_came_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    with under_way(path, force=False) as file:
        file.add("a", DOCUMENTS["a"])
        path.write_bytes(b"somebody else's")
        with pytest.raises(UsageError, match="there already"):
            file.finish()
    assert path.read_bytes() == b"somebody else's"
    assert partial_of(path).read_bytes() == DOCUMENTS["a"] + b"\n"


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    with under_way(path, force=False), pytest.raises(UsageError, match="Another command is writing"):
        go_on(path)


def test_it_is_written_neither_through_a_link_nor_into_what_is_no_file(tmp_path: Path) -> None:
    path, other = tmp_path / "all.ndjson", tmp_path / "other"
    other.write_bytes(b"other")
    partial_of(path).symlink_to(other)
    with pytest.raises(UsageError, match="cannot be written"):
        go_on(path)
    assert other.read_bytes() == b"other"
    with pytest.raises(UsageError, match="cannot be written"):
        go_on(tmp_path / "nowhere" / "all.ndjson")
    with pytest.raises(UsageError, match="is a folder"):
        go_on(tmp_path, force=True)


def test_a_document_of_several_lines_becomes_one(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    document = {"id": "a", "title": "two\nlines", "n": [1, 2]}
    with under_way(path, force=False) as file:
        file.add("a", json.dumps(document, indent=2).replace("\n", "\r\n").encode())
        file.finish()
    (line,) = path.read_bytes().splitlines()
    assert json.loads(line) == document
