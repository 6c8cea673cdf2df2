"""What `twinvault fsck` and `twinvault restore` say of what was found: numbers, and what they are of."""

from typing import Any

import pytest

from twinvault_cli import inspecting, recovering

REPORT: dict[str, Any] = {
    "partition": "abc",
    "done": False,
    "version": 0,
    "of": 2,
    "mark": 3,
    "kept": 1,
    "lost": 0,
    "unaccounted": 1,
    "lost_versions": None,
    "refused": [],
    "refused_count": 0,
    "replaced": [],
    "replaced_count": 0,
    "returned_count": 2,
    "removed_count": 1,
}


def said(capsys: pytest.CaptureFixture[str], way: str, **changed: Any) -> list[str]:
    recovering._print(REPORT | changed, way)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_what_comes_back_from_a_backup_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    unaccounted = "1 row or more is not there as the head counts them, and cannot be named"
    assert said(capsys, "restore") == [
        "abc: 1 row opens; nothing was written",
        "2 rows come back, 1 row goes",
        unaccounted,
    ]
    assert said(capsys, "restore", returned_count=1, removed_count=0)[1] == "1 row comes back, 0 rows go"
    assert said(capsys, "accept") == ["abc: 1 row opens; nothing was written", unaccounted]


def test_the_tenants_that_were_seen_are_named_with_their_counts(capsys: pytest.CaptureFixture[str]) -> None:
    by_tenant = {"acme": {"partitions": 1, "findings": 0}, "others": {"partitions": 2, "findings": 1}}
    report = {"tenants": 2, "partitions": 3, "by_tenant": by_tenant, "findings": [], "unanswered_marks": 1}
    inspecting._print(report)
    assert capsys.readouterr().err.splitlines() == [
        "acme: 1 partition, 0 findings",
        "others: 2 partitions, 1 finding",
        "2 tenants; 1 mark that no partition and no tombstone answers for",
    ]
    inspecting._print(report | {"unanswered_marks": None})
    assert "nobody can say which marks" in capsys.readouterr().err
