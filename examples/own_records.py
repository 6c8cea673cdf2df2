"""Your own records: declare an entity, put one, get it back, and see what DynamoDB holds (docs/own-records.md)."""

import re

from running_twin import connect  # in an account: boto3.client("dynamodb"), boto3.client("kms"), the stack's outputs

from twinvault import TEXT, Draft, EntitySpec, KindSpec, open_vault

TERMS = EntitySpec("terms", re.compile("terms"), clear={"vendor": TEXT}, sealed=frozenset({"price"}))
CONTRACT = KindSpec("contract", [TERMS])

dynamodb, kms, tables, root_keys = connect()
vault = open_vault(store="twinvault-dev", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=root_keys)

with vault.acting(tenant="acme", principal="u-17", action="contract.sign") as acting:
    contract = acting.partition(CONTRACT, "c-2026-001")
    contract.put(Draft("terms", "terms", {"vendor": "initech", "price": "12,000 EUR a year"}))
    if record := contract.get("terms"):
        print(record.fields)

key = {"pk": {"S": contract.pk}, "sk": {"S": "terms"}}
for name, value in dynamodb.get_item(TableName=tables.records, Key=key)["Item"].items():
    print(f"{name:18} {value}")
