"""A release is made of what was judged: synthesized anew with its name, compared, and refused where it is another."""

import json
from datetime import UTC, datetime

import pytest
from checkouts import checkout, commit, put, run

from twinvault_verdict import rollout
from twinvault_verdict.errors import GatheringError
from twinvault_verdict.gathering import templates

__all__ = ["checkout"]  # a fixture

APP = """
import json, os
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if context.get("gates") not in (None, "on", "off"):
    raise SystemExit("-c gates is 'no': it must be on or off.")
named = {"Description": f"Release {context['release']}"} if "release" in context else {}
function = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512, **named}}
out = os.environ["CDK_OUTDIR"]
os.makedirs(out)
with open(f"{out}/Twinvault-{context['stage']}-Api.template.json", "w") as file:
    json.dump({"Resources": {"Read": function}}, file)
"""


@pytest.fixture
def judged(checkout):
    """A checkout of which stage prod was judged."""
    put(checkout, "app.py", APP)
    commit(checkout)
    assert templates.run_app(checkout, "prod", into=checkout / "build" / "verdict" / "prod") == ""
    return checkout


def described(root):
    made = json.loads((root / "build/rollout/prod/Twinvault-prod-Api.template.json").read_text(encoding="utf-8"))
    return made["Resources"]["Read"]["Properties"]["Description"]


def test_a_release_has_the_name_that_it_was_given(judged, capsys):
    assert rollout.main(["--root", str(judged), "--stage", "prod", "--release", "run-7.2"]) == 0
    assert described(judged) == "Release run-7.2"
    assert capsys.readouterr().out == "Release run-7.2 of stage prod: build/rollout/prod\n"


def test_a_release_without_a_name_is_called_after_its_time_and_its_commit(judged):
    before = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    assert rollout.main(["--root", str(judged), "--stage", "prod"]) == 0
    time, _, of = described(judged).removeprefix("Release ").partition("-")
    assert before <= time <= datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    assert commit_of(judged).startswith(of)
    assert len(of) == 12


def commit_of(root):
    return run(root, "rev-parse", "HEAD")


def test_a_release_without_gates_says_so(judged, capsys):
    assert rollout.main(["--root", str(judged), "--stage", "prod", "--release", "now", "--gates", "off"]) == 0
    assert "all at once and without gates" in capsys.readouterr().out


def test_what_changed_since_it_was_judged_is_not_released(judged):
    put(judged, "app.py", APP.replace("512", "128"))
    with pytest.raises(GatheringError, match="not what was judged: Api Read differs"):
        rollout.make(judged, "prod", release="r")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--stage", "dev"], "Nothing of stage dev was judged", id="nothing was judged"),
        pytest.param(["--stage", "prod", "--gates", "no"], "it must be on or off", id="the app refuses"),
    ],
)
def test_what_cannot_be_released_says_why_and_what_to_do(judged, capsys, arguments, says):
    assert rollout.main(["--root", str(judged), *arguments]) == 1
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 2
