"""The tables of a store looked at without its keys: `python -m twinvault.fsck`, by whoever may read them.

Prints one JSON object. Ends with 3 if something is not as it should be, with 4 if a table cannot be read.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

import boto3

from twinvault.dynamodb.table import Table
from twinvault.errors import DependencyError
from twinvault.maintenance.inspecting import Inspected, Inspector

OK, FOUND, UNAVAILABLE = 0, 3, 4


def main(arguments: Sequence[str]) -> int:
    """Looks at one tenant or at all; returns how the process is to end."""
    parser = argparse.ArgumentParser(prog="twinvault.fsck")
    for name in ("records", "keys", "marks"):
        parser.add_argument(f"--{name}", required=True, help=f"the table of {name}")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant")
    which.add_argument("--all", action="store_true")
    asked = parser.parse_args(arguments)
    client = boto3.client("dynamodb")
    tables = [Table(client, name, sleep=time.sleep) for name in (asked.records, asked.keys, asked.marks)]
    try:
        report = look(Inspector(*tables), tenant=asked.tenant)
    except DependencyError as error:
        sys.stderr.write(f"{error.message} ({error.cause.code if error.cause else type(error).__name__})\n")
        return UNAVAILABLE
    sys.stdout.write(json.dumps(report) + "\n")
    return FOUND if report["findings"] or report["unanswered_marks"] else OK


def look(inspector: Inspector, *, tenant: str | None) -> dict[str, object]:
    """What was found; of all tenants, if none is named: only then it can be said which marks nothing answers for.

    Raises:
        DependencyError: a table cannot be read now.
    """
    tenants, unanswered = ({tenant: []}, None) if tenant is not None else inspector.every()
    findings, by_tenant = list[dict[str, str]](), dict[str, dict[str, int]]()
    for one, scopes in sorted(tenants.items()):
        partitions, before = 0, len(findings)
        for found in inspector.tenant(one, partitions=scopes):
            if isinstance(found, Inspected):
                findings.append(asdict(found))
            else:
                partitions += 1
        by_tenant[one] = {"partitions": partitions, "findings": len(findings) - before}
    return {
        "tenants": len(tenants),
        "partitions": sum(seen["partitions"] for seen in by_tenant.values()),
        "by_tenant": by_tenant,
        "findings": findings,
        "unanswered_marks": unanswered,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
