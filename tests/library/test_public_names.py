"""The library's public surface: flat, complete, and changed on purpose alone."""

import ast
from pathlib import Path

import twinvault

ROOT = Path(__file__).parents[2]
ERRORS = {
    node.name
    for node in ast.parse((ROOT / "functions" / "twinvault" / "errors.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}
DECLARING = {"FLAG", "NULLABLE", "NUMBER", "TEXT", "EntitySpec", "KindSpec", "head_spec"}
STORING = {"Changes", "Draft", "Listing", "PartitionStore", "Record", "Scope", "Snapshot"}
OPENING = {"Acting", "TableNames", "Vault", "open_vault"}


def test_these_names_are_public_and_no_others():
    assert set(twinvault.__all__) == ERRORS | DECLARING | STORING | OPENING


def test_every_public_name_is_there_and_says_what_it_promises():
    for name in twinvault.__all__:
        assert hasattr(twinvault, name)
        if name not in {"FLAG", "NULLABLE", "NUMBER", "TEXT"}:
            assert getattr(twinvault, name).__doc__, name


def test_the_examples_use_public_names_alone():
    for path in (ROOT / "examples").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "twinvault":
                assert node.module == "twinvault", path
                assert {alias.name for alias in node.names} <= set(twinvault.__all__), path
