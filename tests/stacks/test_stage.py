"""Stages: every value of cdk.json is there, known and right, or the error names it."""

import json
from pathlib import Path

import pytest

from tests.stacks.sample_stages import context as sample_context
from twinvault_cdk.stage import Code, Stage, StageError

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = {
    "name": "api.acme.org",
    "certificate_arn": "arn:aws:acm:eu-central-1:111122223333:certificate/0f1e2d3c",
    "hosted_zone_id": None,
    "alone": False,
}


def context(**changes):
    """Two stages, with changes to stage prod; a value of None is taken out."""
    settings = sample_context()
    prod = {**settings["stages"]["prod"], **changes}
    settings["stages"]["prod"] = {key: value for key, value in prod.items() if value is not None}
    return {**settings, "stage": "prod"}.get


def test_the_stages_of_cdk_json_are_valid():
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert [Stage.read({**settings, "stage": name}.get).name for name in settings["stages"]] == [*settings["stages"]]


def test_no_other_test_of_the_stacks_hangs_on_what_somebody_writes_into_cdk_json():
    reading = {path.name for path in Path(__file__).parent.glob("*.py") if '"cdk.json")' in path.read_text()}
    assert reading == {"sample_stages.py", Path(__file__).name}


def test_an_unknown_stage_names_itself_and_the_ones_there_are():
    settings = sample_context()
    with pytest.raises(StageError, match=r"Unknown stage 'staging': cdk\.json has dev, prod"):
        Stage.read({**settings, "stage": "staging"}.get)


@pytest.mark.parametrize(
    "stages",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param(["dev"], id="a list"),
    ],
)
def test_a_cdk_json_without_stages_says_so(stages):
    with pytest.raises(StageError, match=r"context\.stages"):
        Stage.read({"stages": stages, "stage": "dev"}.get)


def test_a_stage_that_is_no_object_says_so():
    with pytest.raises(StageError, match="stage dev: must be an object"):
        Stage.read({"stages": {"dev": "eu-central-1"}, "stage": "dev"}.get)


@pytest.mark.parametrize("name", ["Dev", "dev-1", "1st", "a" * 17, ""])
def test_a_stage_name_that_would_spoil_physical_names_is_refused(name):
    settings = sample_context()
    with pytest.raises(StageError, match="the name must be a-z"):
        Stage.read({"stages": {name: settings["stages"]["dev"]}, "stage": name}.get)


def test_a_domain_is_optional_and_its_certificate_is_of_the_stages_region():
    assert Stage.read(context()).domain is None
    assert Stage.read(context(domain=DOMAIN)).domain.name == "api.acme.org"
    elsewhere = {**DOMAIN, "certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c"}
    with pytest.raises(StageError, match="stage prod: domain: the certificate must be of eu-central-1"):
        Stage.read(context(domain=elsewhere))


@pytest.mark.parametrize("key", sorted(sample_context()["stages"]["prod"]))
def test_a_missing_value_names_itself(key):
    with pytest.raises(StageError, match=f"stage prod: {key} is missing"):
        Stage.read(context(**{key: None}))


def test_an_unknown_value_names_itself():
    with pytest.raises(StageError, match="stage prod: throttle is unknown; the values are store, region"):
        Stage.read(context(throttle=5))


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        pytest.param("store", "Twinvault", "1 to 63 characters", id="a store in capitals"),
        pytest.param("store", "a#b", "1 to 63 characters", id="a store that would spoil a context"),
        pytest.param("region", "Frankfurt", "a region such as", id="no region"),
        pytest.param("region", "eu-central-1\n", "a region such as", id="a newline"),
        pytest.param("architecture", "aarch64", "one of x86_64, arm64", id="no name of Lambda's for a processor"),
        pytest.param("endpoints", "FIPS", "one of standard, fips, dualstack", id="no kind of endpoint"),
        pytest.param("issuer", "login.example.com", "an https address", id="no scheme"),
        pytest.param("issuer", "http://login.example.com", "an https address", id="not encrypted"),
        pytest.param("issuer", "https://user:secret@login.example.com", "an https address", id="credentials"),
        pytest.param("jwks_url", "https://login.example.com:port/", "an https address", id="no port"),
        pytest.param("jwks_url", "file:///etc/passwd", "an https address", id="a file"),
        pytest.param("audience", "", "a text", id="empty"),
        pytest.param("audience", " twinvault", "a text", id="a space before"),
        pytest.param("tenant_claim", 7, "a text", id="a number for a text"),
        pytest.param("cors_origins", "https://dashboard.example.com", "a list of origins", id="no list"),
        pytest.param("cors_origins", ["*"], "without \\*", id="any origin"),
        pytest.param("cors_origins", ["https://dashboard.example.com/app"], "without path", id="a path"),
        pytest.param("throttle_rate", 0, "a whole number from 1", id="too small"),
        pytest.param("throttle_burst", 5001, "a whole number from 1 to 5000", id="too large"),
        pytest.param("throttle_rate", "500", "a whole number", id="a text for a number"),
        pytest.param("throttle_rate", 1.5, "a whole number", id="a fraction"),
        pytest.param("throttle_rate", True, "a whole number", id="a boolean"),
        pytest.param("log_retention_days", 8, "one of 1, 3, 5, 7", id="not CloudWatch's"),
        pytest.param("log_retention_days", True, "one of 1, 3", id="a boolean that equals one"),
        pytest.param("keys_recovery_days", 36, "a whole number from 1 to 35", id="longer than DynamoDB keeps"),
        pytest.param("erasure_hold_hours", -1, "a whole number from 0", id="a time before it was asked for"),
        pytest.param("erasure_four_eyes", "yes", "true or false", id="no truth value for four eyes"),
        pytest.param("backup_days", -1, "a whole number from 0", id="backups that are gone before they are made"),
        pytest.param("key_ttl_seconds", 3601, "a whole number from 1 to 3600", id="keys for hours"),
        pytest.param("lowest_format", 2, "a whole number from 1 to 1", id="a format to come"),
        pytest.param("log_level", "TRACE", "one of DEBUG", id="no level"),
        pytest.param("alarm_emails", "ops@acme.org", "a list of e-mail addresses", id="no list of addresses"),
        pytest.param("written_format", 2, "from 1 to 1", id="a format that nothing here writes"),
        pytest.param("parity_on_aws_required", "no", "true or false", id="neither yes nor no"),
        pytest.param("alarm_emails", ["ops"], "a list of e-mail addresses", id="no address"),
        pytest.param("disposable", "no", "true or false", id="no truth value"),
        pytest.param("disposable", 1, "true or false", id="a number for a truth value"),
        pytest.param("domain", "api.acme.org", "null, or", id="a domain's name alone"),
        pytest.param("domain", {"name": "api.acme.org"}, "null, or", id="half a domain"),
        pytest.param("domain", {**DOMAIN, "zone": "Z1"}, "null, or", id="more than a domain"),
        pytest.param("domain", {**DOMAIN, "name": "API.acme.org"}, "null, or", id="capitals in a domain"),
        pytest.param("domain", {**DOMAIN, "name": "*.acme.org"}, "null, or", id="a domain for many"),
        pytest.param("domain", {**DOMAIN, "name": "acme"}, "null, or", id="one label"),
        pytest.param(
            "domain", {**DOMAIN, "certificate_arn": "arn:aws:iam::1:x"}, "null, or", id="no certificate of ACM"
        ),
        pytest.param("domain", {**DOMAIN, "hosted_zone_id": "acme.org"}, "null, or", id="a zone by its name"),
        pytest.param("domain", {**DOMAIN, "alone": "yes"}, "null, or", id="neither alone nor not"),
    ],
)
def test_a_wrong_value_names_itself_and_its_rule(key, value, rule):
    with pytest.raises(StageError, match=rf"stage prod: {key} is .*: it must be .*{rule}"):
        Stage.read(context(**{key: value}))


def test_numbers_may_arrive_as_floats():
    assert Stage.read(context(throttle_rate=500.0)).throttle_rate == 500


def test_examples_left_in_a_stage_are_named():
    assert Stage.read(context()).example_values() == ("issuer", "jwks_url", "cors_origins")
    assert "domain" in Stage.read(context(domain={**DOMAIN, "name": "api.example.com"})).example_values()
    real = {"issuer": "https://id.acme.org/", "jwks_url": "https://id.acme.org/keys", "cors_origins": []}
    assert Stage.read(context(**real)).example_values() == ()


def test_a_loopback_issuer_is_this_machines():
    assert Stage.read(context(jwks_url="http://127.0.0.1:8788/keys")).trusts_this_machine()
    assert not Stage.read(context()).trusts_this_machine()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("runtime", "python3.14", id="another python"),
        pytest.param("artifact", "", id="no artifact"),
        pytest.param("artifact", None, id="missing"),
    ],
)
def test_a_wrong_runtime_or_artifact_names_itself(key, value):
    with pytest.raises(StageError, match=rf"context\.{key}"):
        Code.read({"artifact": "f.zip", "runtime": "python3.13", key: value}.get, root=ROOT)


def test_the_artifact_is_found_from_any_folder():
    code = Code.read({"artifact": "build/f.zip", "runtime": "python3.13"}.get, root=ROOT)
    assert code.artifact == ROOT / "build" / "f.zip"


def test_two_stages_cannot_share_a_store():
    with pytest.raises(StageError, match="stage prod: store twinvault-dev is stage dev's too"):
        Stage.read(context(store="twinvault-dev"))


def test_production_is_never_disposable():
    with pytest.raises(StageError, match="stage prod: disposable is true"):
        Stage.read(context(disposable=True))
