"""The tables looked at without keys: the library does it, in a process of its own, with the caller's AWS credentials.

Nothing of what the functions are made of is imported here: it is run from the checkout, as it is there.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from twinvault_cli.errors import TAMPERING, TamperingError, UnavailableError, UsageError
from twinvault_cli.given import carried
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
    which = ["--all"] if tenant is None else ["--tenant", tenant]
    report, code = asked(
        "twinvault.fsck",
        which,
        tables=TABLES,
        region=region,
        state=state,
        needs="dynamodb:Query and GetItem on records, its index ByList, keys and marks, with --all also Scan",
    )
    if as_json:
        print_json(report)
    else:
        _print(report)
    if code == TAMPERING:
        raise TamperingError("Not everything is as it was written.", next_step="docs/recovery.md says what to do.")


def asked(
    module: str, more: Sequence[str], *, tables: Sequence[str], region: str | None, state: Path | None, needs: str
) -> tuple[dict[str, Any], int]:
    """What a module of the library says that looks at these tables, and how it ended: well, or with a finding.

    Raises:
        UsageError: some of the tables are named by the environment, and not all.
        UnavailableError: a table cannot be read; `needs` says what it takes.
    """
    names, environment = _tables(tables, state)
    if region is not None:
        environment["AWS_DEFAULT_REGION"] = region
    options = [part for name in tables for part in (f"--{name}", names[name])]
    done = subprocess.run(  # noqa: S603  # our own module; what it is given are names of tables and a tenant
        [sys.executable, "-m", module, *options, *more],
        env={**environment, "PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, TAMPERING}:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UnavailableError(
            f"The tables cannot be looked at: {said[-1] if said else 'nobody says why'}",
            next_step=f"It needs credentials that allow {needs}; and the tables' KMS key.",
        )
    return json.loads(done.stdout), done.returncode


def _tables(wanted: Sequence[str], state: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """The tables that the environment names, with its credentials; or the twin's, with its operator's."""
    given = {name: os.environ.get(f"TWINVAULT_{name.upper()}_TABLE", "") for name in wanted}
    if all(given.values()):
        return given, dict(os.environ)
    if any(given.values()):
        missing = ", ".join(f"TWINVAULT_{name.upper()}_TABLE" for name, value in given.items() if not value)
        raise UsageError(f"The environment names some of the tables only; {missing} is missing.")
    folder = state_folder(state)
    facts, operator = status.facts(folder), callers.read(folder.callers, callers.OPERATOR)
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {name: facts.tables[name] for name in wanted}, own | {
        "AWS_ENDPOINT_URL_DYNAMODB": facts.endpoints["dynamodb"],
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ACCESS_KEY_ID": operator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": operator.secret,
    }


def _print(report: dict[str, Any]) -> None:
    for one in report["findings"]:
        where = " ".join(filter(None, (one["tenant"], one["kind"], one["partition"], one["row"])))
        results.print(f"{escape(where)}  [red]{escape(one['check'])}[/]")
    for tenant, seen in report["by_tenant"].items():
        about = f"{counted(seen['partitions'], 'partition')}, {counted(seen['findings'], 'finding')}"
        console.print(f"{escape(tenant)}: {about}")
    if report["unanswered_marks"] is None:
        console.print(carried(NOT_OF_ONE_TENANT))
    else:
        marks = counted(report["unanswered_marks"], "mark")
        console.print(f"{counted(report['tenants'], 'tenant')}; {marks} that no partition and no tombstone answers for")
