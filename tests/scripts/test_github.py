"""What GitHub runs: actions are the commits that were looked at, and every manifest is watched for updates."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MANIFESTS = {
    "github-actions": ".github/workflows/*.yml",
    "pip": "*.in",
    "npm": "package.json",
    "docker": "Dockerfile",
    "docker-compose": "docker-compose.yml",
    "maven": "pom.xml",
}


def jobs(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return read


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_pinned_to_a_commit_and_says_which_version_that_is(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_an_action_is_of_one_version_everywhere() -> None:
    found: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, commit in re.findall(r"uses: ([\w/-]+)@(.*)", path.read_text(encoding="utf-8")):
            found.setdefault(action, set()).add(commit)
    assert [action for action, commits in found.items() if len(commits) > 1] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
    writing = {name for name, job in jobs(path).items() if "permissions" in job}
    assert writing == {"release.yml": {"release"}, "deploy.yml": {"deploy"}}.get(path.name, set())


def test_ci_runs_what_ci_runs_here() -> None:
    steps = [step.get("run") for step in jobs(ROOT / ".github" / "workflows" / "ci.yml")["ci"]["steps"]]
    assert ".ci/run" in steps


def test_the_docker_job_does_not_pass_without_an_engine() -> None:
    assert "ALLOW_NO_DOCKER" not in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_a_release_waits_for_every_test() -> None:
    made = jobs(ROOT / ".github" / "workflows" / "release.yml")
    assert made["release"]["needs"] == "tested"
    assert made["tested"]["uses"] == "./.github/workflows/ci.yml"


def test_a_deployment_has_no_key_that_lasts_and_takes_its_role_after_the_verdict() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in text
    assert not re.search(r"access-key|AWS_SECRET|AWS_ACCESS", text)
    assert job["environment"] == "${{ inputs.stage }}"
    runs = [step.get("run") or step.get("uses", "").partition("@")[0] for step in job["steps"]]
    judged, role, deployed = (
        next(number for number, run in enumerate(runs) if run.startswith(wanted))
        for wanted in ("make verdict", "aws-actions/configure-aws-credentials", "make deploy")
    )
    assert judged < role < deployed
    assert job["steps"][role]["with"]["role-to-assume"] == "${{ vars.AWS_DEPLOY_ROLE }}"
    assert job["steps"][0]["with"]["fetch-depth"] == 0, "without the tags every release would be the first"


def test_no_run_of_a_workflow_pastes_what_somebody_typed() -> None:
    """An input in a shell line is code of whoever typed it; in a variable it is a text."""
    for path in WORKFLOWS:
        for job in jobs(path).values():
            for step in job.get("steps", []):
                assert "${{" not in step.get("run", "").replace("${{ matrix.python }}", ""), path.name


def test_every_manifest_is_watched_where_it_lies() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    for update in updates:
        folder = ROOT / update["directory"].strip("/")
        assert list(folder.glob(MANIFESTS[update["package-ecosystem"]])), update
    assert {update["package-ecosystem"] for update in updates} == set(MANIFESTS)
