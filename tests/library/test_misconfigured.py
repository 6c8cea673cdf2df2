"""Settings with which nothing could ever be read or written say so, and which: no wait, no repetition helps."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.stores import make_tables
from twinvault import ConfigurationError, DependencyError, Kind, Misconfigured, Record, TableNames, Vault, open_vault
from twinvault.causes import Cause

NAMES = TableNames(records="r", keys="k", marks="m", audit="a")


class Note(Record, sk="note"):
    text: str


NOTES = Kind("notes", [Note])


def opened(**settings: Any) -> Vault:
    clients = {"dynamodb": boto3.client("dynamodb"), "kms": boto3.client("kms")}
    return open_vault(**{"store": "settings", "tables": NAMES, "root_keys": ["key"], **clients, **settings})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"root_keys": []}, "root_keys: is empty", id="no root key"),
        pytest.param({"root_keys": "key"}, "root_keys: must be a list", id="a text for a list"),
        pytest.param({"root_keys": [""]}, "root_keys: must be a list", id="an empty key id"),
        pytest.param({"root_keys": [None]}, "root_keys: must be a list", id="no key id"),
        pytest.param({"root_keys": ["alias/root"]}, "root_keys: holds an alias", id="an alias"),
        pytest.param({"tables": replace(NAMES, marks="")}, "tables.marks: must be", id="a table without a name"),
        pytest.param({"tables": replace(NAMES, audit=None)}, "tables.audit: must be", id="no table"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_when_the_vault_is_opened(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{said}"):
        opened(**settings)


@pytest.fixture
def put(dynamodb_endpoint: str, kms_endpoint: str, aws: dict[str, Any]) -> Callable[..., None]:
    """Puts a note with clients and names that are well but for what a test says."""
    dynamodb = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws)
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    tables, key = make_tables(dynamodb), kms.create_key()["KeyMetadata"]["KeyId"]

    def put(*, table: str = "", **clients: Any) -> None:
        names = replace(tables, **{table: "no-such-table"}) if table else tables
        settings = {"dynamodb": dynamodb, "kms": kms, "tables": names, "root_keys": [key], **clients}
        with opened(**settings).acting(tenant="acme", principal="u-1", action="note.put") as acting:
            acting.partition(NOTES, "n-1").put(Note(text="secret"))

    return put


@pytest.mark.parametrize("table", ["records", "keys", "marks", "audit"])
def test_a_wrong_table_name_says_so(put: Callable[..., None], table: str) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no such table .*: look at the tables' names"):
        put(table=table)


def test_a_wrong_access_key_says_so(put: Callable[..., None], kms_endpoint: str, aws: dict[str, Any]) -> None:
    for wrong in ({"aws_access_key_id": "NOBODY"}, {"aws_secret_access_key": "wrong"}):
        stranger = boto3.client("kms", endpoint_url=kms_endpoint, **{**aws, **wrong})
        with pytest.raises(ConfigurationError, match="AWS refuses the credentials") as refused:
            put(kms=stranger)
        assert isinstance(refused.value, DependencyError), "whoever waits for dependencies is told, too"


def test_no_credentials_at_all_say_so(
    put: Callable[..., None], dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    nobody = boto3.Session().client("dynamodb", endpoint_url=dynamodb_endpoint)
    with pytest.raises(Misconfigured, match="NoCredentialsError"):
        put(dynamodb=nobody)


def test_what_waiting_may_mend_is_no_setting() -> None:
    for code, setting in (
        ("UnrecognizedClientException", True),
        ("InvalidSignatureException", True),
        ("ResourceNotFoundException", True),
        ("AccessDeniedException", False),
        ("ThrottlingException", False),
        ("InternalServerError", False),
    ):
        error = ClientError({"Error": {"Code": code, "Message": ""}}, "GetItem")
        assert bool(Cause.of(error, "GetItem").setting) is setting, code
    assert Cause.of(NoCredentialsError(), "GetItem").setting
