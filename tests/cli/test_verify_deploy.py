"""verify-deploy against moto: what functions serve, and tables and keys setting by setting."""

import json
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.cli.deployments import ACCOUNT, REGION, Deployment, zipped


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def tested(tmp_path):
    return zipped(tmp_path / "functions.zip", "tested")


@pytest.fixture
def restored(endpoint, prod, tested):
    """A stage whose tables were just restored: their settings are not there."""
    made = Deployment(endpoint, prod, tested)
    made.live(made.publish())
    return made


@pytest.fixture
def deployment(restored):
    """A stage as the templates have it."""
    restored.mend()
    return restored


def test_the_tested_artifact_is_recognised(deployment, tested):
    done = deployment.verify("--json", artifact=tested)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["functions"]
    assert (one["function"], one["version"], one["share"], one["tested"]) == (deployment.function, "1", 1, True)


def test_what_is_served_is_shown_for_people_too(deployment, tested):
    done = deployment.verify(artifact=tested)
    assert (done.returncode, "the artifact" in done.stdout, deployment.function in done.stdout) == (0, True, True)


def test_another_zip_is_exit_code_3_and_names_the_function(deployment, tmp_path):
    done = deployment.verify(artifact=zipped(tmp_path / "other.zip", "other"))
    assert done.returncode == 3
    assert deployment.function in done.stderr
    assert "not this artifact" in done.stderr


def test_new_code_that_is_not_live_does_not_matter(deployment, tested, tmp_path):
    deployment.update(zipped(tmp_path / "next.zip", "next"))
    assert deployment.verify(artifact=tested).returncode == 0


def test_a_tenth_of_the_requests_that_reach_other_code_is_enough(deployment, tested, tmp_path):
    deployment.update(zipped(tmp_path / "next.zip", "next"))
    deployment.live("1", **{f"v{deployment.publish()}": 0.1})
    done = deployment.verify("--json", artifact=tested)
    assert done.returncode == 3
    shares = {one["version"]: (one["share"], one["tested"]) for one in json.loads(done.stdout)["functions"]}
    assert shares == {"1": (0.9, True), "2": (0.1, False)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"stage": "nowhere"}, "npx cdk deploy --all -c stage=nowhere", id="a stage that is not deployed"),
        pytest.param({"artifact": Path("/nowhere.zip")}, "make build", id="no artifact"),
        pytest.param({"stage": "nowhere", "region": False}, "--region", id="no region"),
        pytest.param({"templates": Path("/nowhere")}, "cdk synth", id="no templates"),
    ],
)
def test_the_callers_faults_say_what_to_type(deployment, tested, options, says):
    done = deployment.verify(**{"artifact": tested, **options})
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def differing(made):
    return {(one.resource, one.setting): one for one in made.compared().differences}


def test_tables_and_keys_as_the_templates_have_them_are_no_difference(deployment):
    compared = deployment.compared()
    assert compared.differences == ()
    assert len([one for one in compared.looked_at if not one.adopted]) == 8  # four tables, four keys


def test_of_a_table_that_was_just_restored_everything_that_a_restore_leaves_out_is_named(restored):
    found = differing(restored)
    everywhere = {"point-in-time recovery", "deletion protection", "tag application", "tag stage"}
    for table in ("Records", "Keys", "Marks", "Audit"):
        assert {setting for resource, setting in found if resource == table} >= everywhere
    assert not [setting for _, setting in found if setting == "encryption"], "that, a restore brings back"
    assert ("Records", "expiry") in found
    assert ("Audit", "stream") in found
    assert {table for table, setting in found if setting == "policy statement AppendOnly"} == {"Marks", "Audit"}
    assert all(one.command.startswith("aws ") for one in found.values())


def test_differences_are_exit_code_3_and_told_to_people_a_line_each(restored, tested):
    done = restored.verify(artifact=tested)
    assert done.returncode == 3
    assert "Marks prod-Marks: policy statement AppendOnly is none, the template has it." in done.stdout
    assert "Keys prod-Keys: point-in-time recovery is off, the template has 7 days." in done.stdout
    assert "verify-deploy --stage prod --commands" in " ".join(done.stderr.split())


def test_what_puts_differences_right_is_printed_to_be_carried_out(restored, tested):
    printed = restored.verify("--commands", artifact=tested).stdout.splitlines()
    assert printed == list(dict.fromkeys(one.command for one in restored.compared().differences))


def table_arn(name):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/prod-{name}"


def weaken_the_policy(made):
    (statement,) = made.template("Store")["Resources"]["Marks"]["Properties"]["Replicas"][0]["ResourcePolicy"][
        "PolicyDocument"
    ]["Statement"]
    weaker = {**statement, "Action": [one for one in statement["Action"] if not one.endswith("DeleteItem")]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [weaker]})
    made.client("dynamodb").put_resource_policy(ResourceArn=table_arn("Marks"), Policy=policy)


def let_somebody_in(made):
    kms, key = made.client("kms"), root_key(made)
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"].append(
        {"Sid": "Mallory", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    )
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def root_key(made):
    listed = made.client("cloudformation").list_stack_resources(StackName="Twinvault-prod-Store")
    found = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed["StackResourceSummaries"]}
    return found["RootKey"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param(
            lambda made: made.client("dynamodb").update_continuous_backups(
                TableName="prod-Records", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
            ),
            ("Records", "point-in-time recovery"),
            id="recovery turned off",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").update_table(TableName="prod-Keys", DeletionProtectionEnabled=False),
            ("Keys", "deletion protection"),
            id="deletion protection taken away",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").update_table(
                TableName="prod-Audit", StreamSpecification={"StreamEnabled": False}
            ),
            ("Audit", "stream"),
            id="no stream any more",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").update_table(
                TableName="prod-Records", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "ByBlind2"}}]
            ),
            ("Records", "index ByBlind2"),
            id="an index deleted",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").update_time_to_live(
                TableName="prod-Marks", TimeToLiveSpecification={"Enabled": True, "AttributeName": "event"}
            ),
            ("Marks", "expiry"),
            id="marks that expire",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").delete_resource_policy(ResourceArn=table_arn("Audit")),
            ("Audit", "policy statement AppendOnly"),
            id="a table's policy deleted",
        ),
        pytest.param(
            weaken_the_policy, ("Marks", "policy statement AppendOnly, Action"), id="a table's policy weakened"
        ),
        pytest.param(let_somebody_in, ("RootKey", "policy statement Mallory"), id="somebody let in by a key's policy"),
        pytest.param(
            lambda made: made.client("kms").disable_key_rotation(KeyId=root_key(made)),
            ("RootKey", "rotation"),
            id="no rotation",
        ),
        pytest.param(
            lambda made: made.client("kms").schedule_key_deletion(KeyId=root_key(made)),
            ("RootKey", "state"),
            id="a key about to be deleted",
        ),
        pytest.param(
            lambda made: made.client("dynamodb").delete_table(TableName="prod-Keys"), ("Keys", "it"), id="no such table"
        ),
    ],
)
def test_every_setting_that_somebody_changed_is_named(deployment, change, where):
    if where == ("Keys", "it"):
        deployment.client("dynamodb").update_table(TableName="prod-Keys", DeletionProtectionEnabled=False)
    change(deployment)
    found = differing(deployment)
    assert where in found
    assert {resource for resource, _ in found} == {where[0]}


def test_a_tag_of_somebody_elses_is_nobodys_business(deployment):
    deployment.client("dynamodb").tag_resource(ResourceArn=table_arn("Keys"), Tags=[{"Key": "cost", "Value": "42"}])
    assert deployment.compared().differences == ()
