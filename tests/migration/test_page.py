"""docs/migrate.md: its mapping, its records and its items, run by the commands that it names."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.calling import Call, call  # noqa: F401  # a fixture
from tests.migration.scenes import Scene

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]  # type: ignore[index]  # the page has one


def test_the_page_runs_as_it_stands(scene: Scene, call: Call, monkeypatch) -> None:  # noqa: F811  # the fixture
    scene.fill([json.loads(line) for line in block("json").splitlines()])
    (scene.folder / "clinic.py").write_text(block("python"))
    before, _, rest = block("toml").partition("[store]")
    after = rest.partition("[source]")[2].replace("clinic-legacy", scene.table)
    mapping = f"{before}{scene.store}[source]{after}"
    (scene.folder / "clinic.toml").write_text(mapping)
    monkeypatch.chdir(scene.folder)
    # examples/clinic has a package of this name, which another test of this process may have imported.
    monkeypatch.setitem(sys.modules, "clinic", sys)
    del sys.modules["clinic"]
    typed = re.findall(r"^    twinvault (migrate .*)$", PAGE, re.MULTILINE)
    assert len(typed) == 3
    reports = []
    for said in typed:
        done = call(*shlex.split(said), "--json")
        assert done.code == 0, done.err
        reports.append(json.loads(done.out))
    assert [(one["items"], one["skipped"], one["records"]) for one in reports] == [(4, 1, 3)] * 3
    assert [(one["written"], one["compared"]) for one in reports] == [(0, 0), (3, 3), (0, 3)]
    again = call("migrate", "clinic.toml", "--principal", "op-7")
    assert (again.code, "0 written, 3 were there" in " ".join(again.err.split())) == (0, True), again.err


def test_what_is_refused_or_differs_has_its_exit_code(scene: Scene, call: Call) -> None:  # noqa: F811  # the fixture
    scene.fill([{"pk": {"S": "LEDGER#a"}, "sk": {"S": "1"}, "org": {"S": "o"}, "at": {"N": "1"}, "text": {"S": "t"}}])
    path = str(scene.mapping())
    assert call("migrate", path, "--json").code == 2
    assert call("migrate", path, "--dry-run", "--verify").code == 2
    missing = call("migrate", path, "--verify", "--principal", "op-7", "--json")
    assert (missing.code, json.loads(missing.out)["different"][0]["reason"]) == (3, "is not there")
    scene.client.put_item(TableName=scene.table, Item={"pk": {"S": "secret"}, "sk": {"S": "1"}})
    refused = call("migrate", path, "--dry-run")
    assert (refused.code, "no rule of the mapping takes it" in refused.out) == (2, True)
    assert "secret" not in refused.out + refused.err
    scene.client.delete_table(TableName=scene.table)
    gone = call("migrate", path, "--principal", "op-7")
    assert (gone.code, "goes on" in gone.err) == (4, True)


def test_a_process_that_is_killed_is_gone_on_with(scene: Scene, call: Call) -> None:  # noqa: F811  # the fixture
    lines = [
        {"pk": {"S": "LEDGER#a"}, "sk": {"S": str(at)}, "org": {"S": "o"}, "at": {"N": str(at)}, "text": {"S": "t"}}
        for at in range(130)
    ]
    scene.fill(lines)
    path = scene.mapping()
    progress = path.with_name("mapping.toml.progress")
    twinvault = str(Path(sys.executable).with_name("twinvault"))
    command = [twinvault, "migrate", str(path), "--principal", "op-7", "--units", "60"]  # so slow that it is met within
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not progress.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert json.loads(progress.read_bytes())["stage"] == "writing"
    done = call("migrate", str(path), "--principal", "op-7", "--units", "9000", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["items"], told["written"] + told["already"], told["compared"]) == (130, 130, 130)
    assert len(scene.rows()) == 131
