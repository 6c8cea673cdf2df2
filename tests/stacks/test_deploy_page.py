"""docs/deploy.md speaks of the stage's values and the alarms that there are, all of them."""

import re
from dataclasses import fields
from pathlib import Path

from twinvault_cdk.alarms import GATES, LAMBDAS, OWN
from twinvault_cdk.stage import Stage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def first_cells(heading):
    """What stands in backticks in the first column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_value_of_a_stage_is_explained():
    assert first_cells("2. ") == {field.name for field in fields(Stage)} - {"name"}


def test_every_alarm_says_where_to_look():
    assert first_cells("9. ") == {*OWN, *LAMBDAS, *GATES, "ServerErrors"}


def test_nobody_is_told_to_move_an_alias_by_hand_but_to_where_the_stack_has_it():
    """What the stack owns and somebody changed makes the next deployment fail."""
    sections = re.split(r"\n##+ ", PAGE)
    told = [section.splitlines()[0] for section in sections if "aws lambda update-alias" in section]
    assert told == ["If somebody moved an alias by hand"]


def test_whoever_goes_back_by_hand_leaves_the_stacks_that_hold_data_alone():
    """A dependency is deployed first: the older commit's tables would take away what the API still uses."""
    one = [line for line in PAGE.splitlines() if re.search(r"npx cdk deploy Twinvault-\w+-Api", line)]
    assert one
    assert [line for line in one if "--exclusively" not in line] == []


def test_the_page_says_what_a_release_differs_in_and_how_it_is_named():
    section = PAGE.split("### Every deployment is a release", 1)[1].split("\n### ", 1)[0]
    assert all(word in section for word in ("RELEASE=", "GATES=off", "build/rollout/prod"))
    assert "make deploy STAGE=prod ONLY=Api GATES=off" in PAGE


def test_the_outputs_that_the_page_names_are_there(prod):
    outputs = {name for stack in ("Store", "Api") for name in prod.outputs(stack)}
    assert {"ApiUrl", "ArtifactSha256", "AlarmTopicArn"} <= outputs
    assert all(name in PAGE for name in ("ApiUrl", "ArtifactSha256", "AlarmTopicArn"))


def test_links_between_the_pages_lead_somewhere():
    pages = [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/adr/*.md"),
        *ROOT.glob("docs/runbooks/*.md"),
        *(ROOT / f"{n}.md" for n in ("SECURITY", "CONTRIBUTING")),
    ]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
