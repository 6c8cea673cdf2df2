"""A table, an export and a table of the older client become records, whole, once, and compared."""

import base64
import gzip
import hashlib
import itertools
import json
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.migration.kinds_of_migration import CLINIC, LEDGER, Patient, Visit, seal_item
from tests.migration.scenes import RULES, Scene, items_of, typed
from twinvault_migration import MappingError, Migration, ProgressError, SourceError, load_mapping
from twinvault_migration.opening import open_source
from twinvault_migration.progress import MigrationStage
from twinvault_migration.report import MigrationReport
from twinvault_migration.rules import CONVERSIONS


class Killed(BaseException):
    """The process ends here."""


def run(scene: Scene, path: Path) -> MigrationReport:
    migrated = scene.migration(path)
    return migrated.run(scene.progress(migrated))


def vault_of(migrated: Migration) -> Any:
    return migrated.storing.vault


def reasons(report: MigrationReport) -> set[tuple[str, str, str]]:
    return {(one.reason, one.entity, one.field) for one in report.refused}


def test_a_table_becomes_records_which_are_compared_and_audited(scene: Scene) -> None:
    scene.fill(items_of(12, 18, lines=130))
    path = scene.mapping()
    report = run(scene, path)
    assert (report.items, report.skipped, report.records) == (359, 1, 358)
    assert (report.written, report.already, report.compared, report.counts()) == (358, 0, 358, (0, 0))
    vault = vault_of(scene.migration(path))
    with vault.acting(tenant="org-1", principal="u", action="look") as acting:
        patient = acting.hidden_partition(CLINIC, "p-3", create=True).read()
    assert (patient.get(Patient).name, len(patient)) == ("Ada 3", 18)
    visit = patient.get(Visit, number=17)
    assert (visit.note, visit.tags, visit.seen_at.isoformat()) == ("note 17", ["a", "b"], "2023-11-14T22:13:37+00:00")
    with vault.acting(tenant="org-0", principal="u", action="look") as acting:
        lines = acting.partition(LEDGER, "main").read()
    assert lines.records["line#0007"].fields == {"at": 7, "text": {"of": [7, None, "x" * 20]}}
    entries = [row["entry"]["S"] for row in scene.rows(scene.tables.audit) if "entry" in row]
    written = [entry for entry in entries if "migrate.write" in entry]
    assert len(written) >= 13
    assert all("op-7" in entry for entry in written)
    assert not [row for row in scene.rows() if "Ada" in repr(row)]


def test_a_dry_run_says_what_is_refused_and_writes_nothing(scene: Scene) -> None:
    odd = [
        {"pk": "PATIENT#p-0", "sk": "VISIT#7", "seen": 1, "tags": {"a"}},
        {"pk": "PATIENT#p-0", "sk": "VISIT#8", "org": "org-0", "seen": "secret", "tags": {"a"}},
        {"pk": "PATIENT#p-0", "sk": "VISIT#9", "org": "org-0", "seen": 1, "tags": {"a"}, "allergy": "secret"},
        {"pk": "PATIENT#p-0", "sk": "VISIT#10", "org": "org-0", "seen": 1, "tags": {"a"}, "memo": 7},
        {"pk": "PATIENT#p-0", "sk": "VISIT#11", "org": "Org Zero", "seen": 1, "tags": {"a"}},
        {"pk": "PATIENT#p-0", "sk": "VISIT#01", "org": "org-0", "seen": 2, "tags": {"a"}},
        {"pk": "elsewhere", "sk": "secret"},
    ]
    scene.fill([*items_of(2, 3), *map(typed, odd)])
    report = scene.migration(scene.mapping()).dry_run()
    found = reasons(report)
    assert {
        ("attribute org, of which `tenant` is made, must be text or a whole number", "visit", "tenant"),
        ("cannot be read as time", "visit", "seen_at"),
        ("is mapped to nothing, and not ignored", "visit", "allergy"),
        ("does not fit its declared type", "visit", "note"),
        ("another item of the source has its place", "visit", ""),
        ("no rule of the mapping takes it", "", ""),
    } <= found
    assert len(found) == 7
    assert report.counts() == (7, 0)
    assert "secret" not in json.dumps(report.document())
    assert all(not scene.rows(getattr(scene.tables, name)) for name in ("records", "keys", "marks", "audit"))


def test_bad_items_keep_no_other_back_and_what_stands_at_a_place_stays(scene: Scene) -> None:
    scene.fill(items_of(2, 3))
    path = scene.mapping()
    vault = vault_of(scene.migration(path))
    with vault.acting(tenant="org-0", principal="u", action="put") as acting:
        place = acting.hidden_partition(CLINIC, "p-0", create=True)
        place.put(Visit(number=1, seen_at=datetime(2020, 1, 1, tzinfo=UTC), note="mine"))
    report = run(scene, path)
    assert reasons(report) == {("another record stands at its place", "visit", "note")}
    assert [one.first for one in report.different] == [report.refused[0].first]
    assert (report.written, report.compared) == (7, 8)
    with vault.acting(tenant="org-0", principal="u", action="look") as acting:
        assert acting.hidden_partition(CLINIC, "p-0", create=True).get(Visit, number=1).note == "mine"


def test_killed_at_every_call_it_goes_on_and_writes_nothing_twice(scene: Scene) -> None:
    scene.fill(items_of(2, 2, lines=2))
    path = scene.mapping()
    kills = 0
    for at in itertools.count(1):
        migrated, calls = scene.migration(path), itertools.count(1)
        object.__setattr__(migrated.source, "size", 3)

        def kill(at: int = at, calls: Any = calls, **_: Any) -> None:
            # Each life is one call longer than the one before, and a part of what it does is done by then.
            if next(calls) > 3 + at % 23:
                raise Killed

        for client in (migrated.source.client, vault_of(migrated).records._client):  # type: ignore[attr-defined]
            # Half of them are killed before the call is made, half when its answer is lost.
            client.meta.events.register(f"{('before', 'after')[at % 2]}-call.dynamodb", kill)
        progress = scene.progress(migrated)
        try:
            report = migrated.run(progress)
            break
        except Killed:
            kills += 1
        assert at < 200
    assert kills > 5
    assert (report.items, report.records, report.compared, report.counts()) == (9, 8, 8, (0, 0))
    assert report.written + report.already == 8
    heads = [row for row in scene.rows() if row["sk"]["S"] == "head"]
    assert len(scene.rows()) - len(heads) == 6
    assert scene.progress(scene.migration(path)).stage is MigrationStage.DONE
    assert scene.migration(path).verify().counts() == (0, 0)


def test_verification_finds_what_was_changed_and_what_is_missing(scene: Scene) -> None:
    scene.fill(items_of(2, 3))
    path = scene.mapping()
    run(scene, path)
    vault = vault_of(scene.migration(path))
    with vault.acting(tenant="org-0", principal="u", action="change") as acting:
        place = acting.hidden_partition(CLINIC, "p-0", create=True)
        place.update(Visit, {"note": "changed"}, number=1)
        place.delete("visit#0002")
    report = scene.migration(path).verify()
    found = {(one.reason, one.entity, one.field, one.count) for one in report.different}
    assert found == {("is another value than the source's", "visit", "note", 1), ("is not there", "visit", "", 1)}
    assert (report.compared, report.written) == (8, 0)
    row = next(row for row in scene.rows() if row["tenant_id"]["S"] == "org-1" and row["sk"]["S"] == "visit#0000")
    scene.client.put_item(
        TableName=scene.tables.records, Item=row | {"updated_at": {"S": "2020-01-01T00:00:00.000000Z"}}
    )
    worse = scene.migration(path).verify().different
    assert ("its partition failed an integrity check", 3) in {(one.reason, one.count) for one in worse}
    assert sum(one.count for one in worse) == 6, "it hides no other"


def export_of(items: list[dict[str, Any]], folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    entries = []
    for at, part in enumerate((items[:4], items[4:], [])):
        lines = b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in part)
        content = gzip.compress(lines)
        (folder / "data" / f"f{at}.json.gz").write_bytes(content)
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        entries.append({"itemCount": len(part), "md5Checksum": md5, "dataFileS3Key": f"A/1-b/data/f{at}.json.gz"})
    (folder / "manifest-files.json").write_text("".join(json.dumps(one) + "\n" for one in entries))
    summary = {"version": "2020-06-30", "outputFormat": "DYNAMODB_JSON", "itemCount": len(items)}
    (folder / "manifest-summary.json").write_text(json.dumps(summary))


def test_an_export_becomes_records_and_a_damaged_file_is_refused(scene: Scene) -> None:
    folder = scene.folder / "export"
    odd = [{"Item": 7}, {"NewImage": {}}]
    export_of(items_of(2, 3, lines=2), folder)
    path = scene.mapping(source='export = "export"')
    report = run(scene, path)
    assert (report.items, report.written, report.compared, report.counts()) == (11, 10, 10, (0, 0))
    alone = scene.folder / "alone.json"
    alone.write_bytes(b"\n".join([*(json.dumps(one).encode() for one in odd), b'{"Item": {"pk"']))
    dry = scene.migration(scene.mapping(source='export = "alone.json"')).dry_run()
    assert [(one.reason, one.first) for one in dry.refused] == [
        ("is no item in DynamoDB's JSON", ["alone.json:1", "alone.json:2", "alone.json:3"])
    ]
    file = folder / "data" / "f0.json.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(SourceError, match=r"f0\.json\.gz: is not as it was exported"):
        scene.migration(scene.mapping(source='export = "export"')).dry_run()
    (folder / "manifest-summary.json").write_text('{"outputFormat": "ION"}')
    with pytest.raises(SourceError, match="DYNAMODB_JSON"):
        scene.migration(scene.mapping(source='export = "export"')).dry_run()


def test_a_table_of_the_older_client_is_opened_by_that_client_and_what_it_refuses_is_named(scene: Scene) -> None:
    sealed = [seal_item(item) for item in items_of(2, 3)]
    damaged = dict(sealed[1])
    damaged["org"] = {"S": "another"}
    scene.fill([sealed[0], damaged, *sealed[2:]])
    path = scene.mapping(source=f'{scene.of_table}\nopen = "tests.migration.kinds_of_migration:open_item"')
    assert not [row for row in scene.rows(scene.table) if "Ada" in repr(row)]
    report = run(scene, path)
    assert (report.written, report.compared, report.counts()) == (7, 7, (1, 0))
    assert report.refused[0].reason.startswith("does not open (")


def test_a_function_in_place_of_rules_may_make_several_records_of_an_item(scene: Scene) -> None:
    scene.fill([typed({"pk": "x", "sk": "1", "id": "l-1", "text": "t"}), typed({"pk": "y", "sk": "1", "id": 7})])
    report = run(scene, scene.mapping('function = "tests.migration.kinds_of_migration:by_function"\n'))
    assert (report.items, report.records, report.written, report.compared) == (2, 2, 2, 2)
    assert reasons(report) == {("the mapping's function refuses it (KeyError)", "", "")}


def test_write_units_are_bounded(scene: Scene) -> None:
    scene.fill(items_of(0, 0, lines=230))
    migrated = scene.migration(scene.mapping(), units=100)
    slept: list[float] = []
    object.__setattr__(migrated, "monotonic", lambda: sum(slept))
    object.__setattr__(migrated, "sleep", slept.append)
    report = migrated.run(scene.progress(migrated))
    assert report.written == 230
    assert sum(slept) >= (230 - 100) * 2 / 100, "what was written last need not be waited for"


def test_what_came_since_a_complete_migration_is_written_by_the_same_command(scene: Scene) -> None:
    scene.fill(items_of(1, 1))
    first = run(scene, scene.mapping())
    scene.add(items_of(2, 2))
    again = run(scene, scene.mapping())
    assert (again.items, again.already) == (len(items_of(2, 2)), first.written)
    assert again.written == again.records - first.records > 0
    assert again.compared == again.records


@pytest.mark.parametrize(
    ("conversion", "value"),
    [
        ("int", Decimal("1.7")),
        ("float", Decimal("1234567890123456789.123")),
        ("list", "ab"),
        ("text", b"x"),
        ("text", True),
    ],
)
def test_a_conversion_that_would_lose_something_refuses_the_item(conversion: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        CONVERSIONS[conversion](value)


def test_conversions_without_loss_are_made() -> None:
    assert CONVERSIONS["int"](Decimal(7)) == CONVERSIONS["int"]("7") == 7
    assert CONVERSIONS["float"](Decimal("0.1")) == 0.1
    assert CONVERSIONS["list"]({"b", "a"}) == ["a", "b"]
    assert CONVERSIONS["text"](Decimal("1.50")) == "1.50"


def test_progress_of_another_mapping_is_not_gone_on_with(scene: Scene) -> None:
    scene.fill(items_of(1, 1))
    run(scene, scene.mapping())
    assert (scene.folder / "progress").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ProgressError):
        run(scene, scene.mapping(RULES + "\n# changed\n"))
    (scene.folder / "progress").write_text("{}")
    with pytest.raises(ProgressError):
        run(scene, scene.mapping())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(('kind = "ledger"', 'kind = "leger"'), "record 3: kind", id="no such kind"),
        pytest.param(('entity = "line"', 'entity = "lines"'), "record 3: entity", id="no such entity"),
        pytest.param(('sk = "line#{sk}"', ""), "record 3: sk", id="a sort key is needed"),
        pytest.param(('hidden = "{patient}"', ""), "record 1: must have either", id="no partition"),
        pytest.param(('as = "time"', 'as = "moment"'), "fields.seen_at: as", id="no such conversion"),
        pytest.param(('"{org}"', '"{org!r}"'), "record 1: tenant", id="no template"),
        pytest.param(("(?P<patient>.+)", "(?P<patient"), "record 1: when", id="no pattern"),
        pytest.param(("ignore =", "ignored ="), "record 1: ignored", id="an unknown word"),
        pytest.param(
            (":CLINIC", ":CLINICS"),
            "kinds: module tests.migration.kinds_of_migration has no CLINICS",
            id="no such name",
        ),
        pytest.param(
            ("tests.migration.kinds_of_migration:CLINIC", "nowhere:CLINIC"),
            "module nowhere cannot",
            id="no such module",
        ),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_by_its_place(scene: Scene, change: tuple[str, str], said: str) -> None:
    with pytest.raises(MappingError, match=said):
        load_mapping(scene.mapping(RULES.replace(*change, 1)))


def test_a_mapping_may_be_json(scene: Scene) -> None:
    path = scene.mapping().with_suffix(".json")
    path.write_text(json.dumps(tomllib.loads(scene.mapping().read_text())))
    told, same = load_mapping(path), load_mapping(scene.mapping())
    assert (told.rules, told.skips, told.store, told.source) == (same.rules, same.skips, same.store, same.source)


def test_an_environment_without_a_region_is_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(MappingError, match="region"):
        scene.migration(scene.mapping())
    with pytest.raises(MappingError, match=r"source: .*nowhere"):
        open_source(load_mapping(scene.mapping(source=f'{scene.of_table}\nprofile = "nowhere"')))


def test_a_source_that_is_not_there_is_said(scene: Scene) -> None:
    with pytest.raises(SourceError, match="ResourceNotFoundException"):
        scene.migration(scene.mapping()).dry_run()
