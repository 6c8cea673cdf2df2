"""What the stacks hand each other does not hang on who takes it: a release may stop using a table or key."""

import json
import re
from pathlib import Path

import pytest
from aws_cdk import App

from stacks.keys import KeysStack
from stacks.rollout import Rollout
from stacks.stage import Stage
from stacks.tables import TablesStack
from tests.stacks.sample_stages import context as sample_context

CONTEXT = sample_context()


def exports(template):
    """What a template exports, under which names."""
    outputs = template.get("Outputs", {}).values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


@pytest.fixture(scope="module")
def unused(tmp_path_factory):
    """Keys that no stack uses, and tables that no stack uses, as the templates of stage prod."""
    stage = Stage.read({**CONTEXT, "stage": "prod"}.get)
    found = {}
    for wanted in ("Keys", "Tables"):
        app = App(context=CONTEXT, outdir=str(tmp_path_factory.mktemp(wanted)), analytics_reporting=False)
        keys = KeysStack(app, "Twinvault-prod-Keys", stage=stage)
        if wanted == "Tables":
            TablesStack(app, "Twinvault-prod-Tables", stage=stage, rollout=Rollout(), table_key=keys.table)
        app.synth()
        path = Path(app.outdir, f"Twinvault-prod-{wanted}.template.json")
        found[wanted] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("stack", ["Keys", "Tables"])
def test_what_nobody_uses_any_more_is_still_exported_under_the_same_name(prod, unused, stack):
    assert exports(unused[stack]) == exports(prod.template(stack)) != {}


def test_every_table_and_key_is_exported_by_name_and_by_arn(either):
    for stack, kind in (("Keys", "AWS::KMS::Key"), ("Tables", "AWS::DynamoDB::GlobalTable")):
        names = set(either.resources(stack, kind))
        exported = either.render(list(exports(either.template(stack)).values()))
        assert set(exported) == {form for name in names for form in (f"${{{name}}}", f"${{{name}.Arn}}")}


def test_the_api_takes_nothing_that_is_not_exported(either):
    taken = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(either.template("Api"))))
    assert taken <= {name for stack in ("Keys", "Tables") for name in exports(either.template(stack))}
