"""The fixtures over a store of a test's own, in this very session."""

import time
from datetime import timedelta

import boto3
import pytest

from twinvault import Clear, DependencyError, KeyRefused, Kind, Record
from twinvault_testing import FaultNeverMetError


class Note(Record, sk="note#{number}"):
    number: Clear[int]
    text: str


NOTES = Kind("notes", [Note])


def put(vault, *numbers, seconds=20.0):
    with vault.acting(tenant="acme", principal="u-1", action="note.put", seconds=seconds) as acting:
        acting.partition(NOTES, "n").put(*(Note(number=number, text=f"secret {number}") for number in numbers))


def numbers(vault):
    with vault.acting(tenant="acme", principal="u-1", action="note.read") as acting:
        found = acting.partition(NOTES, "n").read()
        return sorted(one.number for one in found.all(Note)) if found else []


def two_notes(store):
    put(store.vault, 1, 2)


def three_notes(store):
    put(store.filled(two_notes), 3)


def an_old_note(store):
    store.clock.move(days=-400)
    put(store.vault, 1)


def test_a_store_is_empty_whatever_the_test_before_left_there(vault, store):
    assert store.items("records") == store.items("keys") == store.items("marks") == store.items("audit") == []
    assert numbers(vault) == []


def test_a_store_is_saved_and_be_restored_over_and_over(store):
    put(store.vault, 1)
    saved = store.save()
    for number in range(2, 12):
        put(store.vault, number)
        assert numbers(store.vault) == [1, number]
        assert numbers(store.restore(saved)) == [1]


def test_all_that_was_acknowledged_is_saved(store):
    """The engine answers a transaction before it has committed it to its file."""
    for number in range(1, 31):
        put(store.vault, number)
        store.restore(store.save())
    assert numbers(store.vault) == list(range(1, 31))


def test_a_filled_store_is_filled_once_and_each_test_has_its_own(store):
    made = []

    def counted(filling):
        made.append(filling)
        put(filling.vault, 7)

    put(store.filled(counted), 8)
    assert numbers(store.filled(counted)) == [7]
    assert len(made) == 1


def test_a_store_may_be_filled_upon_another(store):
    assert numbers(store.filled(three_notes)) == [1, 2, 3]
    assert numbers(store.filled(two_notes)) == [1, 2]


def test_keys_are_restored_with_the_tables_that_they_open(store):
    saved = store.save()
    other = store.kms.create_key()["KeyMetadata"]["KeyId"]
    store.restore(saved)
    with pytest.raises(store.kms.exceptions.NotFoundException):
        store.kms.describe_key(KeyId=other)


def test_a_saved_store_has_the_time_that_it_had(store):
    vault = store.filled(an_old_note)
    assert store.clock.moved == timedelta(days=-400)
    store.clock.move(days=400)
    put(vault, 2)
    created = {item["sk"]["S"]: item["created_at"]["S"] for item in store.items()}
    assert created["note#1"][:4] < created["note#2"][:4]


def test_the_clock_is_the_machine_s_again_in_the_next_test(clock):
    assert not clock.moved
    assert abs(clock() - time.time()) < 5
    clock.move(hours=1)


def test_it_is(clock):
    assert not clock.moved


def test_a_key_whose_deletion_was_ordered_is_gone_when_the_time_has_come(store, clock):
    put(store.vault, 1)
    store.kms.schedule_key_deletion(KeyId=store.root_key, PendingWindowInDays=7)
    with pytest.raises(KeyRefused):
        numbers(store.open())
    clock.move(days=8)
    with pytest.raises(store.kms.exceptions.NotFoundException):
        store.kms.describe_key(KeyId=store.root_key)


def test_a_session_s_store_and_a_test_s_are_two(session_vault, vault):
    put(session_vault, *([] if 5 in numbers(session_vault) else [5]))
    assert numbers(vault) == []
    assert numbers(session_vault) == [5]


def test_what_two_stores_have_are_two_databases_and_two_kms(session_store, store):
    made = store.kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(session_store.kms.exceptions.NotFoundException):
        session_store.kms.describe_key(KeyId=made)
    with pytest.raises(store.kms.exceptions.DisabledException), store.faults.key_disabled():
        store.kms.encrypt(KeyId=store.root_key, Plaintext=b"x")
    session_store.kms.encrypt(KeyId=session_store.root_key, Plaintext=b"x")


FAULTS = [
    pytest.param(lambda faults: faults.throttled("dynamodb:*", times=1), id="throttled"),
    pytest.param(lambda faults: faults.out_of_capacity("ExecuteTransaction", times=1), id="out of capacity"),
    pytest.param(lambda faults: faults.unavailable("Query", times=1), id="unavailable"),
    pytest.param(lambda faults: faults.internal_error("ExecuteTransaction", times=1), id="internal error"),
    pytest.param(lambda faults: faults.internal_error("ExecuteTransaction", times=1, applied=True), id="and applied"),
    pytest.param(lambda faults: faults.conflict(times=1), id="conflict"),
    pytest.param(lambda faults: faults.lost_request("ExecuteTransaction", times=1), id="lost request"),
    pytest.param(lambda faults: faults.lost_answer("PartiQLInsert", times=1), id="lost answer"),
    pytest.param(lambda faults: faults.cut_answer("ExecuteTransaction", times=1), id="cut answer"),
    pytest.param(lambda faults: faults.slow("ExecuteTransaction", 0.05, times=1), id="slow"),
    pytest.param(lambda faults: faults.throttled("GenerateDataKey", times=1), id="KMS throttled"),
    pytest.param(lambda faults: faults.unavailable("kms:*", times=1), id="KMS unavailable"),
    pytest.param(lambda faults: faults.internal_error("GenerateDataKey", times=1), id="KMS fails"),
    pytest.param(lambda faults: faults.lost_answer("GenerateDataKey", times=1), id="KMS's answer lost"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_once_is_done_all_the_same(vault, faults, fault):
    with fault(faults):
        put(vault, 1)
    assert numbers(vault) == [1]


def test_what_is_denied_is_an_error_and_afterwards_it_is_not(vault, faults):
    with faults.access_denied("GenerateDataKey"), pytest.raises(KeyRefused):
        put(vault, 1)
    with faults.error("PartiQLInsert", "AccessDeniedException", message="by order"), pytest.raises(DependencyError):
        put(vault, 1)
    put(vault, 1)


def test_a_fault_within_another_ends_alone(vault, faults, store):
    with faults.throttled("Scan"):
        with faults.lost_request("ExecuteTransaction", times=1):
            put(vault, 1)
        with pytest.raises(store.dynamodb.exceptions.ClientError, match="Throttling"):
            store.items()


def test_a_fault_that_nothing_met_fails_the_test(vault, faults):
    with pytest.raises(FaultNeverMetError, match="nothing asked for Decrypt"), faults.throttled("Decrypt"):
        pass
    with pytest.raises(ZeroDivisionError), faults.throttled("Decrypt"):
        raise ZeroDivisionError


def test_an_operation_that_nobody_has_is_refused(faults):
    for name in ("PutItems", "kms:GetItem", "*"):
        with pytest.raises(ValueError, match="no such operation"), faults.throttled(name):
            pass


def test_an_index_lags_while_it_is_told_to(store, faults):
    put(store.vault, 1)
    keys = {"tenant_id": {"S": "acme"}, "list_kind": {"S": "k"}, "list_status": {"S": "s"}, "list_at": {"S": "t"}}

    def listed():
        found = store.dynamodb.query(
            TableName="records",
            IndexName="ByList",
            KeyConditionExpression="tenant_id = :t AND list_kind = :k",
            ExpressionAttributeValues={":t": {"S": "acme"}, ":k": {"S": "k"}},
        )
        return found["Count"]

    with faults.stale_index("ByList"):
        store.dynamodb.put_item(TableName="records", Item={"pk": {"S": "a"}, "sk": {"S": "b"}, **keys})
        assert listed() == 0
    assert listed() == 1


def test_a_key_that_waits_for_its_deletion_is_none(store, faults):
    put(store.vault, 1)
    with faults.key_pending_deletion(), pytest.raises(KeyRefused):
        numbers(store.open())
    assert numbers(store.open()) == [1]


def test_a_handler_finds_the_store_in_its_environment(store, monkeypatch):
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    dynamodb, kms = session.client("dynamodb"), session.client("kms")
    put(store.open(dynamodb=dynamodb, kms=kms), 1)
    assert numbers(store.vault) == [1]
    dynamodb.close()
    kms.close()


def test_a_wrong_signature_is_refused(store, monkeypatch):
    for name, value in {**store.environment, "AWS_SECRET_ACCESS_KEY": "another"}.items():
        monkeypatch.setenv(name, value)
    for service, ask in (("dynamodb", "list_tables"), ("kms", "list_keys")):
        client = boto3.Session().client(service)
        with pytest.raises(client.exceptions.ClientError, match="Signature"):
            getattr(client, ask)()
        client.close()
