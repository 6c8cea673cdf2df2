"""The whole twin, on free ports and in state folders of its own: real engines, real workers, a small app."""

import json
import os
import re
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import psutil
import pytest
from botocore.exceptions import ClientError
from houses import STOPPED, WELL, House, Templates

from twinvault_local import status, tokens
from twinvault_local.artifact.sources import Sources
from twinvault_local.errors import (
    BuildError,
    BusyError,
    DriftError,
    EngineError,
    NotRunningError,
    PortInUseError,
    StateError,
    TemplateError,
)
from twinvault_local.inner_loop import reloading
from twinvault_local.machine import files, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port, is_free
from twinvault_local.provision import callers
from twinvault_local.provision.aws import dynamodb_client, kms_client
from twinvault_local.provision.callers import AccessKey
from twinvault_local.state import SERVICES
from twinvault_local.status import Facts, Health


@pytest.fixture(scope="module")
def running(
    build: Callable[[Path, Templates], House],
    fresh_templates: Callable[[], Templates],
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """A twin that is up; tests that use it leave it up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "REALSECRET")  # as if in the caller's shell
        house = build(tmp_path_factory.mktemp("running"), fresh_templates())
        house.up()
    return house


def caller(house: House, role: str = "") -> AccessKey:
    return callers.read(house.state.callers, callers.access_key_id(role) if role else callers.OPERATOR)


def store(house: House, facts: Facts) -> tuple[Any, Any]:
    who: dict[str, Any] = {"region": facts.region, "caller": caller(house)}
    return dynamodb_client(facts.endpoints["dynamodb"], **who), kms_client(facts.endpoints["kms"], **who)


def test_it_tells_where_everything_is(running: House) -> None:
    now = status.look(running.state)
    assert now.running
    assert now.services == WELL
    shown = now.as_json()
    assert shown["url"] == f"http://{LOOPBACK}:{running.port}"
    assert shown["launcher"] == "process"
    assert set(shown["endpoints"]) == {"dynamodb", "dynamodb_engine", "gate_admin", "kms", "issuer"}
    assert set(shown["tables"]) == {"records", "keys", "marks", "audit"}
    assert shown["region"] == "eu-central-1"
    assert (running.state.artifact / shown["artifact"]).is_dir()


def test_a_request_reaches_the_unpacked_artifact_with_what_the_template_declares(running: House) -> None:
    facts = status.facts(running.state)
    answer = httpx.get(f"{facts.url}/things/7").json()
    assert answer["id"] == "7"
    assert answer["file"] == str(running.state.artifact / facts.artifact / "small" / "handlers.py")
    environment = answer["environment"]
    assert environment["TWINVAULT_RECORDS_TABLE"] == facts.tables["records"]
    assert environment["AWS_ENDPOINT_URL_KMS"] == facts.endpoints["kms"]
    assert environment["TWINVAULT_ISSUER"] == facts.endpoints["issuer"]
    assert environment["TWINVAULT_ARTIFACT"] == facts.artifact
    assert httpx.post(f"{facts.url}/things").status_code == 201
    assert httpx.get(f"{facts.url}/nothing").status_code == 404


def test_no_process_of_it_sees_the_callers_environment(running: House) -> None:
    for name, pid in running.pids().items():
        assert psutil.Process(pid).environ().keys() <= {"LANG", "PATH", "LC_CTYPE"}, name
    for process in psutil.Process(running.pids()["server"]).children(recursive=True):
        assert "REALSECRET" not in str(process.environ())


def test_the_callers_of_the_kms_are_the_functions_roles(running: House) -> None:
    facts = status.facts(running.state)
    kms = kms_client(facts.endpoints["kms"], region=facts.region, caller=caller(running, "small-dev-read"))
    with pytest.raises(ClientError, match="User: arn:aws:iam::000000000000:role/small-dev-read is not authorized"):
        kms.describe_key(KeyId="alias/small-root")
    kms.close()
    guessed = AccessKey(callers.access_key_id("small-dev-read"), "made-up")
    kms = kms_client(facts.endpoints["kms"], region=facts.region, caller=guessed)
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        kms.describe_key(KeyId="alias/small-root")
    kms.close()


def test_a_function_may_do_with_tables_what_the_template_says_and_no_more(running: House) -> None:
    facts = status.facts(running.state)
    table, address = facts.tables["records"], facts.endpoints["dynamodb"]
    reader, writer, operator = (
        dynamodb_client(address, region=facts.region, caller=caller(running, role))
        for role in ("small-dev-read", "small-dev-write", "")
    )
    item = {"pk": {"S": "a"}, "sk": {"S": "gate"}}
    writer.put_item(TableName=table, Item=item)
    assert reader.get_item(TableName=table, Key=item)["Item"] == item
    for refused in (
        lambda: reader.put_item(TableName=table, Item=item),
        lambda: reader.get_item(TableName=facts.tables["keys"], Key=item),
        lambda: operator.put_item(TableName=facts.tables["audit"], Item=item),
        lambda: operator.update_table(TableName=table, DeletionProtectionEnabled=False),
    ):
        with pytest.raises(ClientError, match="AccessDeniedException"):
            refused()
    assert operator.scan(TableName=table)["Items"] == [item]
    for one in (reader, writer, operator):
        one.close()


def test_where_a_key_leaves_it_to_the_account_a_function_may_do_with_it_what_the_template_says(running: House) -> None:
    facts, key = status.facts(running.state), "alias/small-root"
    reader = kms_client(facts.endpoints["kms"], region=facts.region, caller=caller(running, "small-dev-read"))
    with pytest.raises(ClientError) as caught:
        reader.encrypt(KeyId=key, Plaintext=b"x")
    assert "because no identity-based policy allows the kms:Encrypt action" in str(caught.value)
    before = running.state.policies.read_text(encoding="utf-8")
    document = json.loads(before)
    (role,) = [arn for arn in document["identity"] if arn.endswith("/small-dev-read")]
    document["identity"][role].append({"Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}]})
    try:
        files.write_json(running.state.policies, document)
        reader.encrypt(KeyId=key, Plaintext=b"x")
    finally:
        files.write_json(running.state.policies, json.loads(before))
        reader.close()


def test_the_engine_itself_serves_the_tables_to_one_access_key_id(running: House) -> None:
    facts = status.facts(running.state)
    for access_key_id, tables in ((facts.engine_access_key_id, set(facts.tables.values())), ("SOMEBODYELSE", set())):
        engine = dynamodb_client(
            facts.endpoints["dynamodb_engine"], region=facts.region, caller=AccessKey(access_key_id, "any")
        )
        assert set(engine.list_tables()["TableNames"]) == tables
        engine.close()


def test_policies_that_would_not_be_enforced_are_refused(
    house: House, templates: Templates, write_sources: Callable[[Path, Templates], Sources], tmp_path: Path
) -> None:
    policy = templates["Small-Api"]["Resources"]["ReadPolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"][1]["Condition"] = {"StringSomewhatLike": {"dynamodb:Select": "COUNT"}}
    house.made = write_sources(tmp_path, templates)
    with pytest.raises(EngineError, match=r"(?s)policies: .*StringSomewhatLike"):
        house.up()
    assert house.services() == STOPPED


def test_a_token_can_be_had_in_the_stages_form(running: House) -> None:
    token = tokens.mint_token(running.state, tenant="acme", permissions=["a", "b"], expires_in=5)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["org"], claims["scopes"], claims["aud"]) == ("acme", ["a", "b"], "small")


def test_a_second_up_finds_it_up(running: House) -> None:
    pids = running.pids()
    facts, started = running.twin.up(lambda _: running.made, port=free_port(), progress=print)
    assert not started
    assert facts == status.facts(running.state)
    assert running.pids() == pids


def test_two_commands_at_once_do_not_race(running: House) -> None:
    with running.state.lock():
        for command in (running.up, running.twin.down, running.twin.reset):
            with pytest.raises(BusyError):
                command()


def test_another_twin_beside_it_goes_up_and_down_alone(running: House, house: House) -> None:
    pids = running.pids()
    house.up()
    assert house.services() == WELL
    assert set(house.twin.down()) == set(SERVICES)
    assert house.services() == STOPPED
    assert running.pids() == pids


def test_a_port_in_use_names_its_user_and_starts_nothing(running: House, house: House) -> None:
    house.port = running.port
    with pytest.raises(PortInUseError, match=str(running.port)) as caught:
        house.up()
    assert str(running.pids()["server"]) in caught.value.message
    assert "--port" in caught.value.next_step
    assert house.services() == STOPPED
    assert not house.said


def test_an_up_that_is_refused_stops_nothing_and_leaves_nothing_behind(running: House, house: House) -> None:
    def refuses(_: object) -> Sources:
        raise BuildError("it does not build")

    house.port = running.port
    with pytest.raises(PortInUseError, match=str(running.port)) as caught:
        house.up()
    (offered,) = re.findall(r"twinvault up --port (\d+)", caught.value.next_step)
    assert is_free(int(offered))
    assert not house.state.folder.exists(), "refused before there was anything"

    house.port = free_port()
    house.up()
    os.kill(house.pids()["issuer"], signal.SIGKILL)
    assert waiting.until(lambda: "issuer" not in house.pids(), seconds=10)
    left, lie = house.pids(), house.state.holds()
    with pytest.raises(BuildError):
        house.twin.up(refuses, progress=print)
    with pytest.raises(PortInUseError):
        house.twin.up(lambda _: house.made, port=running.port, progress=print)
    assert (house.pids(), house.state.holds()) == (left, lie)
    assert set(left) == set(SERVICES) - {"issuer"}


def test_up_remembers_the_port_that_it_had(house: House) -> None:
    port = house.up().port
    house.twin.down()
    facts, started = house.twin.up(lambda _: house.made, progress=print)
    assert (facts.port, started) == (port, True)
    os.kill(house.pids()["issuer"], signal.SIGKILL)
    assert waiting.until(lambda: "issuer" not in house.pids(), seconds=10)
    assert house.twin.up(lambda _: house.made, progress=print)[0].port == port, "its own server listens there still"


def test_a_store_that_is_gone_is_refused_and_its_place_left_free(house: House, tmp_path: Path) -> None:
    facts = house.up()
    house.twin.down()
    house.state.kms.rename(tmp_path / "kms")
    with pytest.raises(StateError, match=r"(?s)key.*put|gone|not"):
        house.up()
    assert not house.state.kms.exists(), "the old one can be put back"
    (tmp_path / "kms").rename(house.state.kms)
    assert house.up() == facts


def test_data_and_keys_survive_down_and_up_and_not_reset(house: House) -> None:
    facts = house.up()
    dynamodb, kms = store(house, facts)
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "secret": {"B": b"sealed"}}
    dynamodb.put_item(TableName=facts.tables["records"], Item=item)
    sealed = kms.encrypt(KeyId="alias/small-root", Plaintext=b"plain", EncryptionContext={"a": "b"})["CiphertextBlob"]
    public_keys = httpx.get(f"{facts.endpoints['issuer']}/.well-known/jwks.json").json()
    assert set(house.twin.down()) == set(SERVICES)
    assert house.twin.down() == []

    again = house.up()
    assert again == facts  # the same ports too
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    assert dynamodb.get_item(TableName=facts.tables["records"], Key=key)["Item"] == item
    assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"a": "b"})["Plaintext"] == b"plain"
    assert httpx.get(f"{facts.endpoints['issuer']}/.well-known/jwks.json").json() == public_keys

    house.twin.reset()
    assert not house.state.folder.exists()
    dynamodb, kms = store(house, house.up())
    assert "Item" not in dynamodb.get_item(TableName=facts.tables["records"], Key=key)
    with pytest.raises(kms.exceptions.ClientError):
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"a": "b"})


def test_an_artifact_that_no_longer_runs_is_not_kept(
    house: House, templates: Templates, write_sources: Callable[[Path, Templates], Sources], tmp_path: Path
) -> None:
    old = house.up().artifact
    house.twin.down()
    house.made = write_sources(tmp_path / "newer", templates)
    with zipfile.ZipFile(house.made.artifact, "a") as file:
        file.writestr("small/more.py", "")
    new = house.up().artifact
    assert new != old
    assert [path.name for path in house.state.artifact.iterdir()] == [new]


def test_an_engine_that_died_is_noticed_and_up_starts_it_again(house: House) -> None:
    facts = house.up()
    os.kill(house.pids()["kms"], signal.SIGKILL)
    assert waiting.until(lambda: "kms" not in house.pids(), seconds=10)
    now = status.look(house.state)
    assert not now.running
    assert now.services == WELL | {"kms": Health.DIED}
    with pytest.raises(NotRunningError, match="kms"):
        status.facts(house.state)
    assert house.up() == facts
    assert house.services() == WELL


def test_an_engine_that_does_not_answer_is_noticed(house: House) -> None:
    house.up()
    os.kill(house.pids()["issuer"], signal.SIGSTOP)
    try:
        assert house.services() == WELL | {"issuer": Health.SILENT}
    finally:
        os.kill(house.pids()["issuer"], signal.SIGCONT)


def test_a_reboot_in_between_is_no_obstacle(house: House) -> None:
    house.up()
    for pid in house.pids().values():
        os.killpg(pid, signal.SIGKILL)
    assert waiting.until(lambda: not house.pids(), seconds=10)
    for name in SERVICES:  # after a reboot the pid may be anybody's: here it is ours
        note = house.state.slot(name).file
        note.write_text(f'{{"pid": {os.getpid()}, "started": "another-boot:1"}}', encoding="utf-8")
    assert set(house.services().values()) == {Health.DIED}
    house.up()
    assert house.services() == WELL


def test_what_fails_in_the_middle_leaves_nothing_running(
    house: House, templates: Templates, write_sources: Callable[[Path, Templates], Sources], tmp_path: Path
) -> None:
    templates["Small-Tables"]["Resources"]["Audit"]["Properties"]["LocalSecondaryIndexes"] = []
    house.made = write_sources(tmp_path, templates)
    with pytest.raises(TemplateError, match="LocalSecondaryIndexes"):
        house.up()
    assert any("starting DynamoDB" in said for said in house.said)
    assert house.services() == STOPPED


def test_an_interrupt_in_the_middle_leaves_nothing_running(house: House) -> None:
    def interrupt(step: str) -> None:
        if "making tables" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.twin.up(lambda _: house.made, port=house.port, progress=interrupt)
    assert house.services() == STOPPED


def test_an_engine_that_cannot_start_says_why_and_leaves_nothing_running(house: House) -> None:
    house.state.prepare()
    (house.state.issuer / "key.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(EngineError, match="issuer ended at once") as caught:
        house.up()
    assert "issuer.log" in caught.value.next_step
    assert house.services() == STOPPED


def test_another_seed_beside_old_data_is_refused(house: House) -> None:
    house.up()
    house.twin.down()
    house.state.seed.write_text("ab" * 32, encoding="ascii")
    with pytest.raises((EngineError, StateError), match="seed"):
        house.up()
    assert house.services() == STOPPED


def test_a_template_that_changed_is_refused_and_nothing_is_lost(
    house: House, templates: Templates, write_sources: Callable[[Path, Templates], Sources], tmp_path: Path
) -> None:
    facts = house.up()
    house.twin.down()
    good, changed = house.made, templates
    changed["Small-Tables"]["Resources"]["Keys"]["Properties"]["StreamSpecification"] = {"StreamViewType": "KEYS_ONLY"}
    house.made = write_sources(tmp_path / "changed", changed)
    with pytest.raises(DriftError, match=r"Small-Tables/Keys: stream"):
        house.up()
    assert house.services() == STOPPED
    house.made = good
    assert house.up() == facts


def test_data_of_an_older_version_is_refused_until_a_reset(house: House) -> None:
    """By `up` and, where it still runs, by `reload`: newer code would fail on each record by itself."""
    house.up()
    house.state.format.unlink()
    with pytest.raises(StateError, match="older"):
        reloading.reload(house.state, house.made.artifact)
    house.twin.down()
    house.said.clear()
    with pytest.raises(StateError, match="older") as caught:
        house.up()
    assert "twinvault reset" in caught.value.next_step
    assert house.services() == STOPPED
    assert not house.said
    house.twin.reset()
    house.up()
    assert house.services() == WELL


def test_without_a_twin_nothing_is_told_and_nothing_is_made(house: House) -> None:
    assert house.twin.down() == []
    assert status.look(house.state).as_json() == {"running": False, "services": STOPPED}
    with pytest.raises(NotRunningError) as caught:
        tokens.mint_token(house.state, tenant="acme")
    assert "twinvault up" in caught.value.next_step
    house.twin.reset()
    assert not house.state.folder.exists()
