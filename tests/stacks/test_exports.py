"""What the stacks hand each other does not hang on who takes it: a release may stop using a table or key."""

import json
import re
from pathlib import Path

import pytest
from aws_cdk import App

from stacks.application import APPLICATION
from tests.stacks.sample_stages import context as sample_context
from twinvault_cdk import Rollout, Stage
from twinvault_cdk.deployment import StoreStack

CONTEXT = sample_context()


def exports(template):
    """What a template exports, under which names."""
    outputs = template.get("Outputs", {}).values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


@pytest.fixture(scope="module")
def unused(tmp_path_factory):
    """Keys and tables that no stack uses, as the template of stage prod."""
    stage = Stage.read({**CONTEXT, "stage": "prod"}.get)
    app = App(context=CONTEXT, outdir=str(tmp_path_factory.mktemp("unused")), analytics_reporting=False)
    StoreStack(app, "Twinvault-prod-Store", application=APPLICATION, stage=stage, rollout=Rollout())
    app.synth()
    return json.loads(Path(app.outdir, "Twinvault-prod-Store.template.json").read_text(encoding="utf-8"))


def test_what_nobody_uses_any_more_is_still_exported_under_the_same_name(prod, unused):
    assert exports(unused) == exports(prod.template("Store")) != {}


def test_every_table_and_key_is_exported_by_name_and_by_arn(either):
    names = {
        name for kind in ("AWS::KMS::Key", "AWS::DynamoDB::GlobalTable") for name in either.resources("Store", kind)
    }
    exported = either.render(list(exports(either.template("Store")).values()))
    assert set(exported) == {form for name in names for form in (f"${{{name}}}", f"${{{name}.Arn}}")}


def test_the_api_takes_nothing_that_is_not_exported(either):
    taken = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(either.template("Api"))))
    assert taken <= set(exports(either.template("Store")))
