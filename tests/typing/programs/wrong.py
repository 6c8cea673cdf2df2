"""What a user may get wrong. Each marked line is an error to both checkers, and no other line is."""

import re

from twinvault import (
    TEXT,
    Acting,
    Changes,
    Draft,
    EntitySpec,
    KindSpec,
    PartitionStore,
    StoredRecord,
    TableNames,
    Vault,
)

PATTERN = EntitySpec("terms", "terms", {"vendor": TEXT})  # wrong: a text where a compiled pattern belongs
CLEAR = EntitySpec("terms", re.compile("terms"), {"vendor": "S"})  # wrong: DynamoDB's letter is no set of types
SEALED = EntitySpec("terms", re.compile("terms"), sealed=["price"])  # wrong: a list can be changed afterwards
TERMS = EntitySpec("terms", re.compile("terms"))
KIND = KindSpec("contract", TERMS)  # wrong: one entity where a sequence of them belongs
CONTRACT = KindSpec("contract", [TERMS])
TABLES = TableNames("records", "keys")  # wrong: the audit table is missing
HALF = Draft("terms", "terms")  # wrong: a draft without fields
FLAT = Changes({}, Draft("terms", "terms", {}))  # wrong: one draft where a sequence of them belongs


def unnamed(vault: Vault) -> None:
    """Who acts is said by name."""
    vault.acting("acme", "u-17", "contract.sign")  # wrong: positional arguments
    vault.acting(tenant="acme", principal="u-17")  # wrong: no action
    vault.acting(tenant="acme", principal=17, action="contract.sign")  # wrong: a number for a subject


def unchecked(acting: Acting, contract: PartitionStore) -> str:
    """What may be absent is absent some day."""
    len(contract.get("terms").fields)  # wrong: there may be no such record
    len(contract.read().records)  # wrong: there may be no such partition
    acting.hidden_partition(CONTRACT, "c-1")  # wrong: make it if need be, or not?
    acting.hidden_partition(CONTRACT, "c-1", create=False).read()  # wrong: there may be nothing hidden
    return contract.get("terms")  # wrong: a record is no text


def changed(record: StoredRecord, contract: PartitionStore) -> None:
    """What was read is as it was read."""
    record.version = 2  # wrong: a record is frozen
    contract.put({"terms": {}})  # wrong: a dict is no draft
    contract.write(lambda before: before)  # wrong: a plan returns changes
