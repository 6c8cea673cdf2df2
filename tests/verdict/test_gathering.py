"""The facts of a checkout: what git says and hides, what the artifact holds, what the templates say."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
from checkouts import checkout, commit, put, run
from samples_of_verdict import ABOUT, NOW, digest, well

from twinvault_local.artifact import archive, sources, wheels
from twinvault_local.artifact.project import Project
from twinvault_verdict import bill, evidence
from twinvault_verdict.checks import artifact as artifact_checks
from twinvault_verdict.errors import EvidenceError, GatheringError
from twinvault_verdict.gathering import everything, formats, git, templates

ROOT = Path(__file__).resolve().parents[2]
__all__ = ["checkout"]  # a fixture


def building(**changes):
    made = {"engines": dict, "packed": dict, "locked": lambda: {"boto3/__init__.py": digest(b"")}}
    return everything.Building(**{**made, **changes})


def test_a_clean_tree_is_its_commit(checkout):
    assert git.changes(checkout) == ()
    assert git.commit(checkout) == run(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: put(root, "functions/service/__init__.py", "x"), id="changed"),
        pytest.param(lambda root: put(root, "new/file.py"), id="added"),
        pytest.param(lambda root: (root / "cdk.json").unlink(), id="taken away"),
        pytest.param(lambda root: (put(root, "staged.py"), run(root, "add", "staged.py")), id="staged"),
        pytest.param(
            lambda root: (run(root, "update-index", "--assume-unchanged", "cdk.json"), put(root, "cdk.json", "x")),
            id="assumed unchanged",
        ),
        pytest.param(
            lambda root: (run(root, "update-index", "--skip-worktree", "cdk.json"), put(root, "cdk.json", "x")),
            id="left out of the work tree",
        ),
        pytest.param(
            lambda root: (put(root, ".git/info/exclude", "hidden.py"), put(root, "functions/hidden.py")),
            id="ignored by this clone alone",
        ),
        pytest.param(
            lambda root: (run(root, "config", "status.showUntrackedFiles", "no"), put(root, "new.py")),
            id="untracked files not shown",
        ),
    ],
)
def test_what_is_not_the_commit_is_found_though_it_hides(checkout, change):
    change(checkout)
    assert git.changes(checkout)


def test_what_the_committed_gitignore_names_is_no_change(checkout):
    put(checkout, "functions/__pycache__/x.pyc")
    assert git.changes(checkout) == ()


def test_another_checkout_does_not_answer(checkout, tmp_path, monkeypatch):
    other = tmp_path / "other"
    run(tmp_path, "init", "-q", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert len(git.commit(checkout)) == 40


def test_without_git_there_is_no_verdict(tmp_path):
    with pytest.raises(GatheringError, match="not a git repository"):
        git.commit(tmp_path)


def test_the_last_release_is_the_highest_tag_before_this_commit(checkout):
    assert git.last_release(checkout) is None
    run(checkout, "tag", "v0.1.0")
    assert git.last_release(checkout) is None, "this commit's own tag is no earlier release"
    first = git.commit(checkout)
    put(checkout, formats.FILE, "FORMAT = 2\n")
    put(checkout, "tests/vectors/records.json", '{"vectors": [1]}')
    commit(checkout)
    run(checkout, "tag", "unrelated")
    found = git.last_release(checkout)
    assert (found.tag, found.commit, found.format) == ("v0.1.0", first, 1)
    assert found.vectors == {"records.json": b'{"vectors": []}'}
    run(checkout, "tag", "-a", "-m", "annotated", "v0.10.0")
    run(checkout, "tag", "v0.9.0")
    second = git.commit(checkout)
    put(checkout, "more")
    commit(checkout)
    assert (git.last_release(checkout).tag, git.last_release(checkout).commit) == ("v0.10.0", second)


def test_a_shallow_clone_says_so(checkout, tmp_path):
    put(checkout, "more")
    commit(checkout)
    run(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout}", "shallow")
    assert git.is_shallow(tmp_path / "shallow")
    assert not git.is_shallow(checkout)


@pytest.mark.parametrize("source", [b"", b"FORMAT = 'x'", b"format = 1", b"def FORMAT(): pass"])
def test_a_format_without_a_number_is_refused(source):
    with pytest.raises(GatheringError, match="has no line FORMAT = N"):
        formats.number(source)


def test_the_format_of_this_checkout_is_found():
    assert formats.number((ROOT / formats.FILE).read_bytes()) == 1


def test_all_facts_of_a_checkout(checkout):
    about = evidence.Subject(**{**{f: getattr(ABOUT, f) for f in ABOUT.__slots__}, "commit": git.commit(checkout)})
    evidence.write(checkout / everything.EVIDENCE, "iam", about=about, at=NOW, passed=True, details={})
    put(checkout, "build/evidence/suite.json", "{}")
    put(checkout, "build/evidence/suite.test-result.json", "{}")
    facts = everything.gather(checkout, "prod", building=building())
    assert facts.about.commit == git.commit(checkout)
    assert facts.about.artifact_sha256 == digest((checkout / everything.ARTIFACT).read_bytes())
    assert facts.about.place.endswith(f":{checkout}")
    assert facts.changes == ()
    assert {"service/__init__.py", "twinvault/envelope/primitive.py"} <= set(facts.contents.committed)
    assert facts.contents.found["service/__init__.py"] == facts.contents.committed["service/__init__.py"]
    assert set(facts.evidence) == {"iam", "suite"}
    assert isinstance(facts.evidence["suite"], EvidenceError)
    assert (facts.tested.stage, facts.asked.stage) == ("dev", "prod")
    assert set(facts.asked.templates) == {"Api"}
    assert (facts.release, facts.history_complete, facts.format) == (None, True, 1)


def test_a_changed_byte_of_the_artifact_shows_in_its_digest_and_in_what_it_holds(checkout):
    before = everything.subject(checkout, engines={})
    content = bytearray((checkout / everything.ARTIFACT).read_bytes())
    content[content.index(b"Ours")] ^= 1  # within the first file's bytes
    (checkout / everything.ARTIFACT).write_bytes(bytes(content))
    assert everything.subject(checkout, engines={}).artifact_sha256 != before.artifact_sha256
    facts = well(contents=everything.read_contents(checkout, before.commit, building()))
    whys = [reason.why for reason in artifact_checks.is_what_was_tested(facts).reasons]
    assert any("not built from this commit: service/__init__.py" in why for why in whys), whys


def test_an_artifact_that_is_no_zip_or_is_not_there_is_a_fact_too(checkout):
    (checkout / everything.ARTIFACT).write_bytes(b"no zip")
    assert everything.read_contents(checkout, "HEAD", building()).found == {}
    (checkout / everything.ARTIFACT).unlink()
    assert everything.read_contents(checkout, "HEAD", building()) is None
    assert everything.subject(checkout, engines={}).artifact_sha256 == ""


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        pytest.param("broken", "AwsSolutions-IAM5", id="cdk-nag refuses"),
        pytest.param("odd", "E3012 Twinvault-odd-Api Resources.Log.Properties.RetentionInDays", id="cfn-lint refuses"),
        pytest.param("fine", "", id="nobody does"),
    ],
)
def test_what_a_stage_synthesizes_to_and_who_refuses_it(checkout, tmp_path, stage, says):
    found = templates.synthesize(checkout, stage, into=tmp_path / "out", region="eu-central-1")
    told = [found.error, *found.lint]
    assert any(says in one for one in told), told
    assert bool(says) is any(told)


@pytest.mark.parametrize("content", ["", "[]", '{"context": {}}'])
def test_a_cdk_json_without_stages_is_refused(checkout, content):
    put(checkout, "cdk.json", content)
    with pytest.raises(GatheringError, match=r"cdk\.json has no context\.stages"):
        everything.gather(checkout, "prod", building=building())


def test_the_artifacts_bill_of_materials_is_about_it(tmp_path):
    zipped = tmp_path / "functions.zip"
    zipped.write_bytes(b"an artifact")
    bill.write(ROOT, zipped, tmp_path / "bill.json")
    written = json.loads((tmp_path / "bill.json").read_bytes())
    assert written["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest(b"an artifact")}]
    with pytest.raises(GatheringError, match="There is no artifact"):
        bill.write(ROOT, tmp_path / "nothing.zip", tmp_path / "bill.json")


def test_each_wheel_of_this_checkouts_artifact_is_the_locked_one_file_by_file():
    """And each file of ours is the work tree's: nothing else is in the artifact that the tests run."""
    sources.ensure_artifact(Project.read(ROOT), progress=print)
    project = Project.read(ROOT)
    locked = wheels.installed_anew(
        project.lock, ROOT / ".cache", architecture=project.architecture, python=Path(sys.executable)
    )
    with zipfile.ZipFile(ROOT / everything.ARTIFACT) as zipped:
        found = {name: digest(zipped.read(name)) for name in zipped.namelist()}
    functions = ROOT / "functions"
    files = {str(path.relative_to(functions)): path.read_bytes() for path in functions.rglob("*") if path.is_file()}
    ours = {name: digest(content) for name, content in archive.of_functions(files).items()}
    assert found == locked | ours
    assert any(name.endswith(".pyc") for name in ours), "a compiled module runs without a look at its source"
