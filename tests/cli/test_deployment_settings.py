"""Settings in one form: a policy is the same however it is written, and another is named element by element."""

import pytest

from twinvault_cli.deployment import mending, settings
from twinvault_cli.deployment.settings import Configured, differences, statements
from twinvault_cli.deployment.synthesized import Intended

ALLOW = {"Sid": "Use", "Effect": "Allow", "Principal": "*", "Action": ["a:One", "a:Two"], "Resource": "*"}
ROOT = "arn:aws:iam::123456789012:root"


def policy(**changes):
    return {"Version": "2012-10-17", "Statement": [{**ALLOW, **changes}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {"Principal": {"AWS": "*"}}, id="everybody, in two ways"),
        pytest.param({}, {"Action": ["a:Two", "a:One"]}, id="actions in another order"),
        pytest.param({"Action": ["a:One"]}, {"Action": "a:One"}, id="one action, or a list of one"),
        pytest.param(
            {"Principal": {"AWS": ROOT}}, {"Principal": {"AWS": "123456789012"}}, id="an account, in two ways"
        ),
        pytest.param(
            {"Condition": {"Bool": {"k": True}}}, {"Condition": {"Bool": {"k": ["true"]}}}, id="a truth, or its text"
        ),
    ],
)
def test_one_policy_written_in_two_ways_is_one(one, other):
    assert statements(policy(**one)) == statements(policy(**other))


@pytest.mark.parametrize(
    ("change", "element"),
    [
        pytest.param({"Effect": "Deny"}, "Effect", id="effect"),
        pytest.param({"Action": ["a:One"]}, "Action", id="an action less"),
        pytest.param({"Principal": {"AWS": ROOT}}, "Principal", id="another principal"),
        pytest.param({"Condition": {"Bool": {"k": "true"}}}, "Condition", id="a condition more"),
        pytest.param({"Resource": "arn:x"}, "Resource", id="another resource"),
    ],
)
def test_a_statement_that_says_something_else_is_named_with_the_element(change, element):
    is_, should = (Configured({}, statements(one)) for one in (policy(**change), policy()))
    (found,) = differences(is_, should)
    assert found[0] == f"policy statement Use, {element}"


def test_a_statement_more_or_less_is_named():
    with_it, without = Configured({}, statements(policy())), Configured({}, statements(None))
    assert list(differences(with_it, without)) == [("policy statement Use", "there", "none")]
    assert list(differences(without, with_it)) == [("policy statement Use", "none", "it")]


def test_another_key_at_rest_is_named_and_so_is_a_table_without_any_of_its_own():
    should = Configured({"encryption": "arn:key"})
    assert list(differences(Configured({"encryption": "none"}), should)) == [("encryption", "none", "arn:key")]
    assert list(differences(Configured({"encryption": "arn:other"}), should)) == [
        ("encryption", "arn:other", "arn:key")
    ]


def test_tags_of_others_are_no_difference_and_ours_are():
    ours = Configured({"tag stage": "prod"})
    assert list(differences(Configured({"tag stage": "prod", "tag cost": "42"}), ours)) == []
    assert list(differences(Configured({"tag cost": "42"}), ours)) == [("tag stage", "none", "prod")]


def test_recovery_and_rotation_have_aws_own_periods_where_none_is_said():
    assert settings.recovery(on=True, days=None) == "35 days"
    assert settings.rotation(on=True, days=None) == "each 365 days"
    assert {settings.recovery(on=False, days=7), settings.rotation(on=False, days=90)} == {"off"}


def intended(**features):
    return Intended(logical_id="Audit", name="t", arn="arn:t", settings=Configured(features), policy=policy())


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        pytest.param(
            "stream",
            "aws dynamodb update-table --table-name t --stream-specification "
            "StreamEnabled=true,StreamViewType=NEW_IMAGE",
            id="a stream",
        ),
        pytest.param(
            "deletion protection",
            "aws dynamodb update-table --table-name t --deletion-protection-enabled",
            id="protection",
        ),
        pytest.param(
            "point-in-time recovery",
            "aws dynamodb update-continuous-backups --table-name t "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7",
            id="recovery",
        ),
        pytest.param(
            "tag stage", "aws dynamodb tag-resource --resource-arn arn:t --tags Key=stage,Value=prod", id="tags"
        ),
        pytest.param("expiry", "", id="expiry that the template does not have"),
        pytest.param("key", "", id="a key schema, which nothing changes"),
    ],
)
def test_the_command_for_a_setting_is_the_aws_clis(setting, command):
    features = {"stream": "NEW_IMAGE", "deletion protection": "on", "point-in-time recovery": "7 days"}
    assert mending.table_command(intended(**features, **{"tag stage": "prod"}), setting) == command


def test_a_policy_is_put_on_whole():
    command = mending.table_command(intended(), "policy statement Use, Action")
    assert command.startswith("aws dynamodb put-resource-policy --resource-arn arn:t --policy '{")
