"""An adopted table: functions use it by its name, the stack's own stays untouched, and the stack can import it."""

import json
import re

import pytest

from tests.stacks.conftest import CHOSEN, with_prod
from twinvault_cdk.adopting import check_letting_go
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import TABLES, Stage, StageError

NAME = CHOSEN["records_table"]
ARN = f"arn:${{AWS::Partition}}:dynamodb:eu-central-1:${{AWS::AccountId}}:table/{NAME}"


@pytest.fixture(scope="module")
def without_its_own(synthesized):
    """The deployment in which the stack lets go of its own table, before it imports the adopted one."""
    return synthesized("prod", stages=with_prod(**CHOSEN), let_go="records")


def granted(assembly):
    """What each policy allows on which resource."""
    found = set()
    for policy in assembly.resources("Api", "AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions, resources = (
                value if isinstance(value, list) else [value] for value in (statement["Action"], statement["Resource"])
            )
            roles = tuple(policy["Properties"]["Roles"])
            found |= {(roles, action, resource) for action in actions for resource in resources}
    return found


@pytest.mark.parametrize("stack", ["Store"])
def test_adopting_changes_nothing_of_the_stacks_that_hold_data_and_keys(prod, chosen, stack):
    assert chosen.template(stack) == prod.template(stack)


def test_every_function_uses_the_adopted_table_and_of_the_others_the_stacks_own(prod, chosen):
    for logical_id, body in chosen.resources("Api", "AWS::Lambda::Function").items():
        before = prod.resources("Api", "AWS::Lambda::Function")[logical_id]["Properties"]["Environment"]["Variables"]
        assert body["Properties"]["Environment"]["Variables"] == {**before, "TWINVAULT_RECORDS_TABLE": NAME}


def test_every_permission_on_the_stacks_own_is_one_on_the_adopted_table_and_there_is_no_other(prod, chosen):
    renamed = {(role, action, where.replace("${Records.Arn}", ARN)) for role, action, where in granted(prod)}
    assert granted(chosen) == renamed
    assert any(where == f"{ARN}/index/ByList" for _, _, where in granted(chosen))


def test_the_api_takes_nothing_of_the_stacks_own_table_so_that_its_exports_are_free_to_change(chosen):
    taken = re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(chosen.template("Api")))
    assert taken
    assert [name for name in taken if "Records" in name] == []


def test_an_output_says_what_is_adopted(prod, chosen):
    assert chosen.outputs("Api")["AdoptedRecordsTable"] == NAME
    assert not [name for name in prod.outputs("Api") if name.startswith("Adopted")]


def test_a_stack_that_lets_go_of_its_table_keeps_everything_else(prod, without_its_own):
    before, after = prod.template("Store"), without_its_own.template("Store")
    resources = dict(before["Resources"])
    gone = resources.pop("Records")
    assert gone["DeletionPolicy"] == "Retain", "what leaves the stack must stay"
    assert after["Resources"] == resources


def test_its_outputs_and_exports_keep_their_names_and_tell_the_adopted_table(prod, without_its_own):
    before, after = (one.template("Store")["Outputs"] for one in (prod, without_its_own))
    assert {name: output.get("Export") for name, output in after.items()} == {
        name: output.get("Export") for name, output in before.items()
    }
    renamed = {"${Records}": NAME, "${Records.Arn}": ARN}
    told = {
        name: renamed.get(prod.render(output["Value"]), prod.render(output["Value"])) for name, output in before.items()
    }
    assert {
        name: without_its_own.render(output["Value"]).replace("${AWS::Region}", "eu-central-1")
        for name, output in after.items()
    } == told


def test_letting_go_changes_nothing_that_the_api_takes(chosen, without_its_own):
    assert without_its_own.template("Api") == chosen.template("Api")


def test_what_is_imported_is_the_only_change_and_is_the_stacks_own_table_to_the_letter(prod, chosen, without_its_own):
    """`cdk import` adds to the deployed template what the next one has more, and leaves outputs alone."""
    deployed, following = without_its_own.template("Store")["Resources"], chosen.template("Store")["Resources"]
    assert {name: body for name, body in following.items() if name in deployed} == deployed
    assert following.keys() - deployed.keys() == {"Records"}
    assert following["Records"] == prod.template("Store")["Resources"]["Records"]
    assert "TableName" not in following["Records"]["Properties"], "the name is given as the import's identifier"


def test_a_table_that_functions_still_use_is_not_let_go():
    stage = Stage.read({"stage": "prod", "stages": with_prod(records_table="restored")}.get)
    check_letting_go(stage, Rollout(letting_go=("records",)))
    with pytest.raises(StageError, match="let_go=keys: stage prod adopts no table in its place: say keys_table first"):
        check_letting_go(stage, Rollout(letting_go=("records", "keys")))


@pytest.mark.parametrize("value", ["", "Records", "records,,keys", "records,records", 7], ids=str)
def test_what_is_let_go_are_tables_each_once(value):
    with pytest.raises(StageError, match=r"-c let_go is .*: it must be some of records, keys, marks, audit"):
        Rollout.read({"let_go": value}.get)


def test_each_of_the_four_tables_can_be_adopted():
    named = {f"{table}_table": f"restored-{table}" for table in TABLES}
    stage = Stage.read({"stage": "prod", "stages": with_prod(**named)}.get)
    assert stage.adopted_tables == {table: f"restored-{table}" for table in TABLES}


@pytest.mark.parametrize("name", ["ab", "a b", "arn:aws:dynamodb:eu-central-1:1:table/x", "x" * 256])
def test_a_name_that_no_table_can_have_is_refused(name):
    with pytest.raises(StageError, match=r"records_table is .*: it must be null, or the name of a table"):
        Stage.read({"stage": "prod", "stages": with_prod(records_table=name)}.get)


def test_the_synthesis_says_that_a_table_is_adopted(chosen):
    told = [path.read_text(encoding="utf-8") for path in chosen.folder.glob("*.json")]
    assert any(f"Stage prod adopts {NAME}" in text for text in told)
