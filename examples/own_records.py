"""Your own records: declare a type, put one, get it back, and see what DynamoDB holds (docs/own-records.md)."""

from running_twin import connect  # in an account: boto3.client("dynamodb"), boto3.client("kms"), the stack's outputs

from twinvault import Clear, Kind, Record, open_vault


class Terms(Record, sk="terms"):
    """What a contract says."""

    vendor: Clear[str]
    price: str


CONTRACT = Kind("contract", [Terms])

dynamodb, kms, tables, root_keys = connect()
vault = open_vault(store="twinvault-dev", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=root_keys)

with vault.acting(tenant="acme", principal="u-17", action="contract.sign") as acting:
    contract = acting.partition(CONTRACT, "c-2026-001")
    contract.put(Terms(vendor="initech", price="12,000 EUR a year"))
    if terms := contract.get(Terms):
        print(terms.vendor, "gets", terms.price)

key = {"pk": {"S": contract.pk}, "sk": {"S": "terms"}}
for name, value in dynamodb.get_item(TableName=tables.records, Key=key)["Item"].items():
    print(f"{name:18} {value}")
