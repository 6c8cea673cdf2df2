"""The tables looked at without keys: the library does it, in a process of its own, with the caller's AWS credentials.

Nothing of what the functions are made of is imported here: it is run from the checkout, as it is there.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.markup import escape

from twinvault_cli.errors import TAMPERING, TamperingError, UnavailableError, UsageError
from twinvault_cli.output import console, counted, print_json, results
from twinvault_cli.state import ROOT, state_folder
from twinvault_local import status
from twinvault_local.provision import callers

TABLES = ("records", "keys", "marks")
NOT_OF_ONE_TENANT = (
    "Of one tenant nobody can say which marks nothing answers for: partitions that are gone with their keys."
    " twinvault fsck --no-keys --all counts them."
)


def look(tenant: str | None, *, region: str | None, state: Path | None, as_json: bool) -> None:
    """Look at one tenant's rows, or at all, and print what is not as it should be.

    Raises:
        TamperingError: something is not.
        UsageError: some of the tables are named by the environment, and not all.
        UnavailableError: a table cannot be read.
    """
    names, environment = _tables(state)
    if region is not None:
        environment["AWS_DEFAULT_REGION"] = region
    which = ["--all"] if tenant is None else ["--tenant", tenant]
    options = [part for name in TABLES for part in (f"--{name}", names[name])]
    done = subprocess.run(  # noqa: S603  # our own module; what it is given are names of tables and a tenant
        [sys.executable, "-m", "twinvault.fsck", *options, *which],
        env={**environment, "PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, TAMPERING}:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UnavailableError(
            f"The tables cannot be looked at: {said[-1] if said else 'nobody says why'}",
            next_step="It needs credentials that allow dynamodb:Query and GetItem on records, its index ByList, keys"
            " and marks, with --all also Scan; and the tables' KMS key.",
        )
    report: dict[str, Any] = json.loads(done.stdout)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if done.returncode == TAMPERING:
        raise TamperingError("Not everything is as it was written.", next_step="docs/recovery.md says what to do.")


def _tables(state: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """The tables that the environment names, with its credentials; or the twin's, with its operator's."""
    given = {name: os.environ.get(f"TWINVAULT_{name.upper()}_TABLE", "") for name in TABLES}
    if all(given.values()):
        return given, dict(os.environ)
    if any(given.values()):
        missing = ", ".join(f"TWINVAULT_{name.upper()}_TABLE" for name, value in given.items() if not value)
        raise UsageError(f"The environment names some of the tables only; {missing} is missing.")
    folder = state_folder(state)
    facts, operator = status.facts(folder), callers.read(folder.callers, callers.OPERATOR)
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {name: facts.tables[name] for name in TABLES}, own | {
        "AWS_ENDPOINT_URL_DYNAMODB": facts.endpoints["dynamodb"],
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ACCESS_KEY_ID": operator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": operator.secret,
    }


def _print(report: dict[str, Any]) -> None:
    for one in report["findings"]:
        where = " ".join(filter(None, (one["tenant"], one["kind"], one["partition"], one["row"])))
        results.print(f"{escape(where)}  [red]{escape(one['check'])}[/]", soft_wrap=True)
    for tenant, seen in report["by_tenant"].items():
        about = f"{counted(seen['partitions'], 'partition')}, {counted(seen['findings'], 'finding')}"
        console.print(f"{escape(tenant)}: {about}")
    if report["unanswered_marks"] is None:
        console.print(NOT_OF_ONE_TENANT)
    else:
        marks = counted(report["unanswered_marks"], "mark")
        console.print(f"{counted(report['tenants'], 'tenant')}; {marks} that no partition and no tombstone answers for")
