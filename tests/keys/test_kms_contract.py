"""What a root key promises, asked of the fake, of the adapter on the local KMS, and (plain successes) on moto."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from tests.fakes import FakeKms, Recorder
from twinvault.errors import DependencyError, IntegrityError, KeyRefused
from twinvault.keys.kms import AwsKms, RootKms
from twinvault.keys.wrapped import key_context
from twinvault_local.machine.ports import free_port

CONTEXT = key_context("kek#000001", store="test", tenant="acme", key="0" * 32)
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)


@dataclass
class Bench:
    kms: RootKms
    root: str
    other: str
    client: Any = None


def on_aws(client: Any) -> Bench:
    root, other = (client.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    return Bench(AwsKms(client), root, other, client)


@pytest.fixture
def fake() -> Bench:
    return Bench(FakeKms(roots={"root-1": os.urandom(32), "root-2": os.urandom(32)}), "root-1", "root-2")


@pytest.fixture
def local(kms_endpoint: str, aws: dict[str, Any]) -> Iterator[Bench]:
    client = boto3.client("kms", endpoint_url=kms_endpoint, config=ONCE, **aws)
    yield on_aws(client)
    client.close()


@pytest.fixture
def moto(aws: dict[str, Any]) -> Iterator[Bench]:
    with mock_aws():
        yield on_aws(boto3.client("kms", endpoint_url="https://kms.eu-central-1.amazonaws.com", config=ONCE, **aws))


@pytest.fixture(params=["fake", "local", "moto"])
def any_kms(request: pytest.FixtureRequest) -> Bench:
    bench: Bench = request.getfixturevalue(request.param)
    return bench


@pytest.fixture(params=["fake", "local"])
def strict(request: pytest.FixtureRequest) -> Bench:
    """Those that refuse what AWS refuses; moto does not."""
    bench: Bench = request.getfixturevalue(request.param)
    return bench


def test_what_was_wrapped_is_decrypted_under_its_context(any_kms: Bench) -> None:
    seen = Recorder()
    made = any_kms.kms.generate_data_key(any_kms.root, context=CONTEXT, observer=seen)
    assert len(made.plaintext) == 32
    assert made.plaintext not in made.wrapped
    assert any_kms.kms.decrypt(made.wrapped, any_kms.root, context=CONTEXT, observer=seen) == made.plaintext
    assert seen.metrics["KmsCalls"] == 2
    assert len(set(seen.kms_ids)) == 2


def test_a_key_is_wrapped_under_another_root_key_with_its_context_kept(any_kms: Bench) -> None:
    seen = Recorder()
    made = any_kms.kms.generate_data_key(any_kms.root, context=CONTEXT, observer=seen)
    moved = any_kms.kms.re_encrypt(made.wrapped, any_kms.root, under=any_kms.other, context=CONTEXT, observer=seen)
    assert any_kms.kms.decrypt(moved, any_kms.other, context=CONTEXT, observer=seen) == made.plaintext
    assert seen.metrics["KmsCalls"] == len(set(seen.kms_ids)) == 3


def test_what_is_not_of_this_root_key_and_context_is_not_wrapped_anew(strict: Bench) -> None:
    made = strict.kms.generate_data_key(strict.root, context=CONTEXT, observer=Recorder())
    another = CONTEXT | {"twinvault:tenant": "bolt"}
    for blob, source, context in (
        (made.wrapped, strict.root, another),
        (made.wrapped, strict.other, CONTEXT),
        (b"x" * 60, strict.root, CONTEXT),
    ):
        with pytest.raises(IntegrityError):
            strict.kms.re_encrypt(blob, source, under=strict.other, context=context, observer=Recorder())


def test_every_data_key_is_another(any_kms: Bench) -> None:
    one, other = (any_kms.kms.generate_data_key(any_kms.root, context=CONTEXT, observer=Recorder()) for _ in range(2))
    assert one.plaintext != other.plaintext
    assert repr(one.plaintext) not in repr(one)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(CONTEXT | {"twinvault:tenant": "bolt"}, id="another tenant"),
        pytest.param(CONTEXT | {"twinvault:epoch": "2"}, id="another epoch"),
        pytest.param(CONTEXT | {"twinvault:key": "1" * 32}, id="another key"),
        pytest.param(CONTEXT | {"more": "x"}, id="one pair more"),
        pytest.param({k: v for k, v in CONTEXT.items() if k != "twinvault:purpose"}, id="one pair less"),
        pytest.param({k.upper(): v for k, v in CONTEXT.items()}, id="another case"),
        pytest.param({"twinvault:tenan": "tacme", **CONTEXT}, id="a pair cut otherwise"),
        pytest.param({}, id="none"),
    ],
)
def test_another_context_opens_nothing(strict: Bench, other: dict[str, str]) -> None:
    made = strict.kms.generate_data_key(strict.root, context=CONTEXT, observer=Recorder())
    with pytest.raises(IntegrityError):
        strict.kms.decrypt(made.wrapped, strict.root, context=other, observer=Recorder())


def test_another_root_key_opens_nothing(strict: Bench) -> None:
    made = strict.kms.generate_data_key(strict.root, context=CONTEXT, observer=Recorder())
    with pytest.raises(IntegrityError):
        strict.kms.decrypt(made.wrapped, strict.other, context=CONTEXT, observer=Recorder())


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_a_wrapped_key_that_was_changed_is_tampering(strict: Bench, cut: int) -> None:
    wrapped = strict.kms.generate_data_key(strict.root, context=CONTEXT, observer=Recorder()).wrapped
    changed = wrapped[:cut] + bytes([wrapped[cut] ^ 1]) + (wrapped[cut + 1 :] if cut != -1 else b"")
    for hostile in (changed, wrapped[:-1], wrapped + b"x", b"x"):
        with pytest.raises(IntegrityError):
            strict.kms.decrypt(hostile, strict.root, context=CONTEXT, observer=Recorder())


def test_a_root_key_that_is_not_there_is_refused(strict: Bench) -> None:
    wrapped = strict.kms.generate_data_key(strict.root, context=CONTEXT, observer=Recorder()).wrapped
    nowhere = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(KeyRefused):
        strict.kms.generate_data_key(nowhere, context=CONTEXT, observer=Recorder())
    with pytest.raises((KeyRefused, IntegrityError)):
        strict.kms.decrypt(wrapped, nowhere, context=CONTEXT, observer=Recorder())


def test_a_disabled_key_is_refused_and_serves_again_when_enabled(local: Bench) -> None:
    made = local.kms.generate_data_key(local.root, context=CONTEXT, observer=Recorder())
    local.client.disable_key(KeyId=local.root)
    with pytest.raises(KeyRefused) as refused:
        local.kms.decrypt(made.wrapped, local.root, context=CONTEXT, observer=Recorder())
    assert "DisabledException" in refused.value.message
    with pytest.raises(KeyRefused):
        local.kms.generate_data_key(local.root, context=CONTEXT, observer=Recorder())
    local.client.enable_key(KeyId=local.root)
    assert local.kms.decrypt(made.wrapped, local.root, context=CONTEXT, observer=Recorder()) == made.plaintext


def test_a_key_pending_deletion_is_refused(local: Bench) -> None:
    made = local.kms.generate_data_key(local.root, context=CONTEXT, observer=Recorder())
    local.client.schedule_key_deletion(KeyId=local.root, PendingWindowInDays=7)
    with pytest.raises(KeyRefused):
        local.kms.decrypt(made.wrapped, local.root, context=CONTEXT, observer=Recorder())


def test_when_a_root_key_will_be_deleted_is_told_and_of_one_that_stays_or_is_gone_nothing(strict: Bench) -> None:
    seen = Recorder()
    assert strict.kms.deletion_date(strict.root, observer=seen) is None
    assert seen.metrics == {"KmsCalls": 1}
    assert strict.kms.deletion_date("00000000-0000-0000-0000-000000000000", observer=Recorder()) is None


def test_a_deletion_that_is_scheduled_has_its_date(local: Bench) -> None:
    local.client.schedule_key_deletion(KeyId=local.root, PendingWindowInDays=7)
    found = local.kms.deletion_date(local.root, observer=Recorder())
    assert found is not None
    left = datetime.fromisoformat(found) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left < timedelta(days=8)
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z", found)


def test_a_caller_without_permission_is_refused(local: Bench, kms_endpoint: str, aws_read: dict[str, Any]) -> None:
    client = boto3.client("kms", endpoint_url=kms_endpoint, config=ONCE, **aws_read)
    with pytest.raises(KeyRefused) as refused:
        AwsKms(client).generate_data_key(local.root, context=CONTEXT, observer=Recorder())
    assert "acme" not in refused.value.message
    client.close()


def test_a_service_that_cannot_be_reached_is_a_dependency(aws: dict[str, Any]) -> None:
    client = boto3.client("kms", endpoint_url=f"http://127.0.0.1:{free_port()}", config=ONCE, **aws)
    seen = Recorder()
    with pytest.raises(DependencyError) as refused:
        AwsKms(client).generate_data_key("root", context=CONTEXT, observer=seen)
    assert not isinstance(refused.value, KeyRefused)
    assert seen.metrics["KmsCalls"] == 1
    client.close()
