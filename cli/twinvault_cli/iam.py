"""iam: what each function may do, what of it was used in this twin, and what never was."""

from collections.abc import Iterable
from typing import Any

import typer
from rich.markup import escape

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UnavailableError
from twinvault_cli.output import console, print_json, results
from twinvault_cli.state import StateOption, state_folder
from twinvault_grants.reading import GrantsError, TwinFiles, read_deployment
from twinvault_grants.usage import Deployment, GrantOf, Usage, usage
from twinvault_local.state import LEDGERS, StateFolder

app = typer.Typer()


@app.command()
def iam(
    *,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Show what each function is granted, and what of it was used in this twin, ever since it was made.

    From the synthesized template, for DynamoDB, KMS and who may invoke a function; the ledgers say what was asked.
    """
    folder = state_folder(state)
    deployment = _deployment(folder)
    found = usage(deployment)
    if as_json:
        print_json(_document(deployment, found))
        return
    for name in deployment.functions:
        results.print(f"[bold]{escape(name)}[/]")
        for line in _lines(name, found):
            results.print(f"  {line}")
    if found.surprising:
        console.print(f"{found.surprising} recorded calls were made under other policies than there are now.")


def _lines(name: str, found: Usage) -> list[str]:
    """A function's grants, what it never used first, and what it was refused."""
    grants = sorted((one for one in found.granted if one.function == name), key=lambda one: (one in found.used, one))
    words = {True: "used      ", False: "[yellow]never used[/]"}
    lines = [f"{words[one in found.used]}  {escape(_told(one, one.statement))}" for one in grants]
    refused = sorted(one for one in found.denied if one.function == name)
    return lines + [f"[red]refused[/]     {escape(_told(one, f'by {one.statement}'))}" for one in refused]


def _told(grant: GrantOf, why: str) -> str:
    return f"{grant.action:<28} {grant.resource}  ({why})"


def twin_files(folder: StateFolder) -> TwinFiles:
    """Where in a state folder that lies from which a deployment is read."""
    return TwinFiles(
        policies=folder.policies,
        callers=folder.callers,
        server=folder.server,
        provisioned=folder.provisioned,
        ledgers=[folder.ledger_of(service) for service in LEDGERS],
    )


def _deployment(folder: StateFolder) -> Deployment:
    try:
        return read_deployment(twin_files(folder))
    except GrantsError as error:
        raise UnavailableError(
            f"What functions are granted cannot be told. {error}", next_step="Make a twin first: twinvault up"
        ) from None


def _document(deployment: Deployment, found: Usage) -> dict[str, Any]:
    return {
        "functions": {
            name: {
                "role": role,
                "granted": _listed(name, found.granted),
                "used": _listed(name, found.used),
                "never_used": _listed(name, found.never_used),
                "denied": _listed(name, found.denied, statement="by"),
            }
            for name, role in deployment.functions.items()
        },
        "recorded_under_other_policies": found.surprising,
    }


def _listed(name: str, grants: Iterable[GrantOf], *, statement: str = "statement") -> list[dict[str, str]]:
    return [
        {"action": one.action, "resource": one.resource, statement: one.statement}
        for one in sorted(grants)
        if one.function == name
    ]
