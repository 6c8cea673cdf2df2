"""Chooses what the checks run against: a twin that is brought up for them (default), or a stage that is deployed.

make parity
make parity TARGET=aws STAGE=NAME   # docs/parity.md: what it costs, and what its caller needs to be allowed
"""

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.parity import evidence
from tests.parity.evidence import Findings
from tests.parity.rows import Rows
from tests.parity.stages import deployed_stage
from tests.parity.target import AWS, TWIN, Expectations, Target

HERE = Path(__file__).parent
ENDED = {"passed": "passed", "failed": "failed", "skipped": "skipped"}
KEY_TAG = {"TagKey": "application", "TagValue": "twinvault-parity"}  # by which the caller's policy knows them
KEY_DAYS = 7  # the shortest that KMS lets a key wait for its deletion

_ENVIRONMENT = pytest.StashKey[dict[str, str]]()
_FINDINGS = pytest.StashKey[Findings]()
_TARGET = pytest.StashKey[Target]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", choices=[TWIN, AWS], default=TWIN, help="what the parity suite runs against")
    parser.addoption("--stage", help="the stage that is deployed, for --target aws")
    parser.addoption("--evidence", type=Path, default=evidence.FOLDER, help="where the parity suite says what it found")


def pytest_configure(config: pytest.Config) -> None:
    # The tests' own fixtures shut the way to AWS; whoever asks for AWS gets it back as it was.
    config.stash[_ENVIRONMENT] = {n: v for n, v in os.environ.items() if n.startswith(("AWS_", "TWINVAULT_"))}
    config.stash[_FINDINGS] = Findings()
    if config.getoption("--target", TWIN) == AWS and not config.getoption("--stage", None):
        raise pytest.UsageError("--target aws needs --stage NAME")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # The suite's own tests are about the suite, not about AWS.
    return True if collection_path == HERE / "suite" and config.getoption("--target", TWIN) == AWS else None


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.config.stash[_FINDINGS].selected = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield
    if item.path.parent == HERE:
        findings, check = item.config.stash[_FINDINGS], _name(item)
        findings.note(check, ENDED[report.outcome])
        if report.skipped:
            findings.reasons[check] = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    return report


def _name(item: pytest.Item) -> str:
    """The name of a check in the evidence."""
    return f"{item.path.name}::{item.name}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    # In the process that ran the checks: with xdist, the worker that had all of them.
    config = session.config
    if target := config.stash.get(_TARGET, None):
        findings = config.stash[_FINDINGS]
        findings.selected |= any("::" in argument for argument in config.args)
        # xdist tells its workers of a path as text.
        evidence.write(target, findings, Path(config.getoption("--evidence", evidence.FOLDER)))


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The deployment under test."""
    config = request.config
    if config.getoption("--target", TWIN) == AWS:
        deployment = deployed_stage(config.getoption("--stage"), config.stash[_ENVIRONMENT])
    else:
        from tests.parity.twins import running_twin

        deployment = running_twin(tmp_path_factory.mktemp("parity"))
    with deployment as chosen:
        config.stash[_TARGET] = chosen
        yield chosen


@pytest.fixture
def expect(request: pytest.FixtureRequest, target: Target) -> Iterator[Expectations]:
    """What this check expects where the targets differ."""
    expectations = Expectations(target.kind)
    yield expectations
    for line in expectations.lines:
        request.config.stash[_FINDINGS].lines.setdefault(line, set()).add(_name(request.node))


@pytest.fixture
def announce(request: pytest.FixtureRequest) -> Callable[[str, Iterable[str]], None]:
    """Says beforehand which calls of a caller a check makes be refused: any other refusal is a finding of its own."""

    def denied(caller: str, actions: Iterable[str]) -> None:
        request.node.user_properties += [("denies", (caller, action)) for action in actions]

    return denied


@pytest.fixture(scope="session")
def run_id() -> str:
    """Names what this run makes."""
    return uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def dynamodb(target: Target) -> Iterator[Any]:
    with _client(target, "dynamodb") as client:
        yield client


@pytest.fixture(scope="session")
def kms(target: Target) -> Iterator[Any]:
    with _client(target, "kms") as client:
        yield client


@contextmanager
def _client(target: Target, service: str) -> Iterator[Any]:
    client = target.client(service)
    yield client
    client.close()


@pytest.fixture(scope="session")
def table(target: Target, dynamodb: Any, run_id: str) -> Iterator[str]:
    """A table of the suite's own with the keys, indexes and stream that the stage's tables have, empty at first.

    The stage's own tables are looked at and never written to: what stands in two of them stands there for good.
    """
    name = f"twinvault-parity-{run_id}"
    records, audit = (dynamodb.describe_table(TableName=target.table(one))["Table"] for one in ("Records", "Audit"))
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in records["GlobalSecondaryIndexes"]
    ]
    stream = {"StreamSpecification": audit["StreamSpecification"]} if "StreamSpecification" in audit else {}
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=records["KeySchema"],
        AttributeDefinitions=records["AttributeDefinitions"],
        GlobalSecondaryIndexes=indexes,
        DeletionProtectionEnabled=True,
        **stream,
    )
    try:
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        yield name
    finally:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        dynamodb.delete_table(TableName=name)


@pytest.fixture
def rows(table: str, dynamodb: Any) -> Rows:
    """A partition of this check's own."""
    return Rows(table, dynamodb)


@pytest.fixture(scope="session")
def keys(kms: Any, run_id: str) -> Iterator[list[str]]:
    """Three symmetric keys of the suite's own, under KMS's default policy: two to use, one to switch off.

    All are scheduled for deletion at the end.
    """
    made: list[str] = []
    try:
        for _ in range(3):
            answer = kms.create_key(Description=f"Twinvault parity suite, run {run_id}", Tags=[KEY_TAG])
            made.append(answer["KeyMetadata"]["Arn"])
        yield made
    finally:
        for key in made:
            if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
                kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


@pytest.fixture(scope="session")
def document(run_id: str) -> dict[str, Any]:
    """The dialogue of this run, which it leaves behind: nothing deletes one."""
    from samples import dialogue

    return json.loads(json.dumps(dialogue(f"parity-{run_id}", perspectives=20)))
