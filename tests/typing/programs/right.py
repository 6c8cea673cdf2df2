"""A program as a user of the library writes one: every public name that takes or gives something is used."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinvault import (
    FLAG,
    NULLABLE,
    NUMBER,
    TEXT,
    Acting,
    Changes,
    Conflict,
    DependencyError,
    Draft,
    EntitySpec,
    IntegrityError,
    KindSpec,
    NotFound,
    PartitionStore,
    Snapshot,
    StoredRecord,
    TableNames,
    TwinvaultError,
    Vault,
    head_spec,
    open_vault,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

TERMS = EntitySpec(
    "terms",
    re.compile("terms"),
    clear={"vendor": TEXT, "year": NUMBER, "signed": FLAG, "ended": TEXT | NULLABLE},
    sealed=frozenset({"price"}),
)
CONTRACT = KindSpec("contract", [TERMS], head_spec({"list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}))


def connect(dynamodb: "DynamoDBClient", kms: "KMSClient", root_keys: list[str]) -> Vault:
    """The clients are boto3's own, with the types of boto3-stubs."""
    tables = TableNames(records="records", keys="keys", audit="audit", marks="marks")
    return open_vault(store="main", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=root_keys, key_ttl_seconds=60)


def sign(vault: Vault, contract_id: str, fields: Mapping[str, Any]) -> tuple[str, int]:
    """Puts a record and gets it back; what may be absent must be looked at first."""
    with vault.acting(tenant="acme", principal="u-17", action="contract.sign", seconds=5) as acting:
        contract: PartitionStore = acting.partition(CONTRACT, contract_id)
        contract.put(Draft("terms", "terms", fields))
        record = contract.get("terms")
        if record is None:
            raise NotFound("no terms")
        return record.created_at, record.version


def revise(acting: Acting, contract_id: str) -> Snapshot | None:
    """A plan sees the partition as it is, and says what shall be."""

    def plan(before: Snapshot | None) -> Changes | None:
        if before is None:
            return None
        terms: StoredRecord = before.records["terms"]
        if terms.fields["signed"]:
            raise Conflict("terms: are signed", field="terms")
        return Changes({}, [Draft("terms", "terms", {**terms.fields, "signed": True})])

    contract = acting.hidden_partition(CONTRACT, contract_id, create=False)
    return contract.write(plan) if contract else None


def listed(acting: Acting) -> list[str]:
    """A page of partitions, each opened."""
    listing = acting.listing(CONTRACT)
    if listing is None:
        return []
    hits = listing.page(status=None, limit=10, cursor=None)
    opened = listing.open_each(hits.scopes, ("head",))
    page = listing.open_page(("head",), status=None, limit=10, cursor=hits.cursor)
    acting.release()
    refused = [f"{one.scope.partition if one.scope else ''}: {one.problem}" for one in (*hits.refused, *page.refused)]
    return [one.records["head"].updated_at for one in (*opened, *page)] + refused


def explain(error: TwinvaultError) -> str:
    """The three families are told apart by type."""
    match error:
        case IntegrityError():
            return "tampering"
        case DependencyError():
            return "come back later"
        case _:
            return str(error)
