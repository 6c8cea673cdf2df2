"""What the whole suite is judged by: a grant that no test needs, a refusal that none announced."""

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.application import APPLICATION
from tests.grants import proving, suite
from tests.grants.suite import Report
from tests.grants.test_usage import call
from twinvault_grants.usage import GrantOf, Usage
from twinvault_iam.services import IDENTITY
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.provision.template import Assembly
from twinvault_local.state import StateFolder
from twinvault_serving.ledger import CallLedger

QUERY = GrantOf("twinvault-dev-read", "dynamodb:Query", "Records", "Records")
GET = GrantOf("twinvault-dev-read", "dynamodb:GetItem", "Records", "Records")


def report(
    found: Usage,
    *,
    twins: int = 1,
    listed: dict[GrantOf, str] | None = None,
    announced: Any = (),
    by_clock: Any = (),
) -> Report:
    return Report(twins, found, listed or {}, announced, by_clock)


def test_a_suite_that_needs_every_grant_has_nothing_to_complain_of():
    assert report(Usage(granted={QUERY}, used={QUERY}, needed={QUERY})).complaints == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param(Usage(granted={QUERY, GET}, used={QUERY}, needed={QUERY}), "GetItem on Records", id="never used"),
        pytest.param(Usage(granted={QUERY}, used={QUERY}), "is not needed", id="what another grant covers"),
        pytest.param(Usage(denied={QUERY}), "no test announced it", id="a refusal"),
        pytest.param(Usage(surprising=2), "2 recorded calls", id="answers that these policies would not give"),
    ],
)
def test_what_is_not_proven_is_complained_of(found: Usage, says: str):
    (complaint,) = report(found).complaints
    assert says in complaint


def test_without_any_twin_nothing_is_proven():
    assert report(Usage(), twins=0).complaints == ["no twin of the template's policies was recorded"]


def test_a_listed_grant_need_not_be_proven_and_must_not_be():
    assert report(Usage(granted={GET}), listed={GET: "why"}).complaints == []
    proven = Usage(granted={GET}, used={GET}, needed={GET})
    assert "proven or not granted" in report(proven, listed={GET: "why"}).complaints[0]
    assert "proven or not granted" in report(Usage(), listed={GET: "why"}).complaints[0]


def test_a_grant_that_only_a_slow_run_proves_is_listed_for_both():
    listed = {GET: "minutes after"}
    for found in (Usage(granted={GET}), Usage(granted={GET}, used={GET}, needed={GET})):
        assert report(found, listed=listed, by_clock={GET}).complaints == []
    assert "not granted any more" in report(Usage(), listed=listed, by_clock={GET}).complaints[0]


@pytest.mark.parametrize(
    ("caller", "action", "complains"),
    [
        ("read", "dynamodb:Query", False),
        ("twinvault-dev-read", "dynamodb:Query", False),
        ("import", "dynamodb:Query", True),
        ("ead", "dynamodb:Query", True),
        ("read", "dynamodb:Scan", True),
    ],
)
def test_a_refusal_is_announced_by_caller_and_action(caller: str, action: str, complains: bool):  # noqa: FBT001  # a table's column
    assert bool(report(Usage(denied={QUERY}), announced={(caller, action)}).complaints) is complains


def test_every_listed_grant_has_its_reason():
    assert all(reason.strip() for reason in suite.listed().values())


def test_what_twins_wrote_down_is_kept_without_their_data(tmp_path: Path):
    state = StateFolder(tmp_path / "worker" / "some0" / "state")
    for path in (state.policies, state.server, state.seed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    ledger = CallLedger(state.ledger_of("gate"))
    ledger.note(call("dynamodb:Query"))
    suite.collect(tmp_path / "worker", tmp_path / "kept")
    kept = {str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert kept == {"0/gate/policies.json", "0/server.json", "0/ledger/gate.jsonl"}


def test_services_that_are_not_enforced_here_stand_in_a_list_by_kind():
    """The policies of all roles of the template; whatever else a function may do must be thought about first."""
    assembly = Assembly.load(sources.ensure(Project.read(suite.ROOT), environ={}, progress=lambda _: None).assembly)
    named = {
        action.partition(":")[0]
        for one in assembly.resources("AWS::IAM::Policy", "AWS::IAM::Role")
        for document in _documents(one.properties)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
    }
    not_enforced = {name for name in named if not IDENTITY.has_service(name)} - {"sts"}  # who may take a role
    assert not_enforced == set(json.loads(suite.LISTED.read_text())["not_enforced"])


def _documents(properties: Any) -> list[Any]:
    inline = [one["PolicyDocument"] for one in properties.get("Policies", [])]
    return [*inline, *([properties["PolicyDocument"]] if "PolicyDocument" in properties else [])]


def _listed(actions: Any) -> list[str]:
    return actions if isinstance(actions, list) else [actions]


def test_the_templates_grants_are_read_without_a_twin():
    granted = suite.usage(suite.deployed()).granted
    assert {one.function for one in granted} == {f"twinvault-dev-{spec.name}" for spec in APPLICATION.functions}
    assert QUERY in granted
    assert GrantOf("twinvault-dev-import", "kms:GenerateDataKey", "RootKey", "MakeKeks") in granted
    assert any(one.action == "lambda:InvokeFunction" for one in granted)


class Told:
    """Where evidence would be written."""

    def __init__(self) -> None:
        self.heard: dict[str, tuple[bool, dict[str, Any]]] = {}

    def tell(self, name: str, *, passed: bool, details: dict[str, Any]) -> None:
        self.heard[name] = (passed, details)


def test_what_a_suite_proved_is_told_as_evidence(pytestconfig: pytest.Config):
    """The verdict's check reads `unused` and `unannounced_denials` of the evidence `iam`."""
    config, told = type(pytestconfig)(pluginmanager := pytest.PytestPluginManager()), Told()
    pluginmanager.register(told, "evidence")
    proving.tell(config, report(Usage(granted={QUERY}, denied={GET})))
    passed, details = told.heard["iam"]
    assert not passed
    assert details["unused"] == ["twinvault-dev-read: dynamodb:Query on Records (Records) is never used"]
    assert details["unannounced_denials"] == ["twinvault-dev-read: dynamodb:GetItem on Records (Records)"]
    proving.tell(config, report(Usage(granted={QUERY}, used={QUERY}, needed={QUERY})))
    assert told.heard["iam"][0]


def test_a_twin_that_a_test_left_half_made_proves_nothing_and_stops_nothing(tmp_path: Path) -> None:
    one = tmp_path / "0" / "half"
    (one / "gate").mkdir(parents=True)
    (one / "gate" / "policies.json").write_text("{}")
    (one / "server.json").write_text("{}")
    assert suite.report([], tmp_path).complaints == ["no twin of the template's policies was recorded"]
