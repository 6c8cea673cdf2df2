"""The fixtures over a whole twin: this checkout's, brought up as any project's."""

import socket
import time

import boto3
import httpx
import jwt
import pytest

from twinvault import Clear, Kind, Record, TableNames, open_vault
from twinvault_local.provision import tables
from twinvault_testing.tables import definitions

pytestmark = pytest.mark.xdist_group("end_to_end")


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_the_api_is_called_in_the_name_of_the_tests_own_tenant(api, tenant, token):
    assert api.get("/dialogues").json() == {"dialogues": [], "cursor": None}
    assert claims(token())["tenant"] == tenant


def test_a_token_permits_what_the_test_says(twin, token):
    permitted = twin.client(token(permissions=["dialogues:read"], subject="u-9"))
    assert permitted.get("/dialogues").status_code == 200
    assert permitted.get("/keys").status_code == 403
    assert twin.client().get("/dialogues").status_code == 401


def test_a_token_goes_by_the_clock_and_the_workers_do_not(twin, clock, token):
    clock.move(hours=-2)
    old = token()
    assert claims(old)["exp"] < time.time()
    assert twin.client(old).get("/dialogues").status_code == 401
    clock.move(hours=2, days=1)
    assert abs(claims(token())["iat"] - time.time() - 86400) < 600


def test_a_fault_of_the_gate_reaches_the_workers(twin, api):
    assert api.get("/dialogues").status_code == 200
    with twin.faults.access_denied("Query"):
        assert api.get("/dialogues").status_code in {500, 503}
    assert api.get("/dialogues").status_code == 200


def test_a_fault_of_the_twins_kms_is_its_keys_alone(twin):
    with pytest.raises(ValueError, match="takes no orders"), twin.faults.throttled("Decrypt"):
        pass
    with twin.faults.key_disabled():
        assert twin.kms.describe_key(KeyId=twin.root_key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert twin.kms.describe_key(KeyId=twin.root_key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_the_tables_that_a_store_has_are_those_of_the_template(twin):
    for made in definitions(twin.tables):
        assert tables.differences(twin.dynamodb, made["TableName"], made) == []


def test_it_has_ports_and_a_state_folder_of_its_own(twin, tmp_path_factory):
    assert twin.state.folder.is_relative_to(tmp_path_factory.getbasetemp())
    with socket.create_connection(("127.0.0.1", twin.facts.port)):
        assert twin.facts.port != 8787


def test_a_program_in_the_tests_process_calls_it_in_a_functions_name(twin, monkeypatch):
    class Note(Record, sk="note"):
        colour: Clear[str]
        text: str

    with pytest.raises(ValueError, match=r"no such function, but .*twinvault-dev-read"):
        twin.environment("read")
    for name, value in twin.environment("twinvault-dev-import").items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    dynamodb, kms = session.client("dynamodb"), session.client("kms")
    found = twin.tables
    assert isinstance(found, TableNames)
    vault = open_vault(store="twinvault-dev", dynamodb=dynamodb, kms=kms, tables=found, root_keys=[twin.root_key])
    with vault.acting(tenant="acme", principal="u-1", action="note.put") as acting:
        acting.partition(Kind("note", [Note]), "n-1").put(Note(colour="red", text="a secret"))
    dynamodb.close()
    kms.close()


def test_a_client_that_is_nobody_s_is_told_so(twin):
    assert httpx.get(f"{twin.url}/dialogues", trust_env=False).status_code == 401
