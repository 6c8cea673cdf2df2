"""fsck and restore: partitions looked at, all of them, and mended, one or all: of what is there, or from a backup.

With keys the service does it, over HTTP, as long work; without, `inspecting` looks at the tables themselves.
"""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli import inspecting, maintain
from twinvault_cli.client import Client
from twinvault_cli.completing import complete_dialogue, complete_kind
from twinvault_cli.connection import TENANT, JsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.errors import TamperingError, UsageError
from twinvault_cli.given import carried
from twinvault_cli.output import console, counted, print_json, results
from twinvault_cli.state import StateOption

type ReportJson = dict[str, Any]

LoseOption = Annotated[
    int | None,
    typer.Option(min=0, help="How many rows that do not open may be given up.", show_default="it only looks"),
]
HeadOption = Annotated[
    typer.FileText | None,
    typer.Option("--head", help="The head's own fields, as JSON, where no head opens.", show_default="none"),
]
_DIALOGUE = "A dialogue's id, or with --partition a partition's."
_SHOWN = 20
_NOT_DONE = {
    "accept": "Partition {} cannot be read as it is.",
    "restore": "Partition {} is not as the backup has it.",
}


def mend(client: Client, way: str, asked: dict[str, Any], *, as_json: bool) -> None:
    """Look at one partition, or mend it, asking until it is done.

    Raises:
        TamperingError: it only looked, and the partition cannot be read.
    """
    path = f"/recovery/{way}"
    report: ReportJson = json.loads(client.post(path, json.dumps(asked).encode()))
    first = report
    while "lose" in asked and not report["done"]:
        report = json.loads(client.post(path, json.dumps(asked).encode()))
    # What was found at first is what was lost; later calls find what was left to do.
    report = {**first, "done": report["done"], "version": report["version"]}
    if as_json:
        print_json(report)
    else:
        _print(report, way)
    if not report["done"]:
        raise TamperingError(
            _NOT_DONE[way].format(report["partition"]),
            next_step=f"To go on, say what may be lost: --lose {report['lost'] + report['unaccounted']}",
        )


def _print(report: ReportJson, way: str) -> None:
    said = f"mended, version {report['version']}" if report["version"] else "nothing was written"
    kept = counted(report["kept"], "row opens", "rows open")
    results.print(f"{escape(report['partition'])}: {kept}; {said}")
    if way == "restore":
        back = counted(report["returned_count"], "row comes back", "rows come back")
        results.print(f"  {back}, {counted(report['removed_count'], 'row goes', 'rows go')}")
    for one in report["refused"][:_SHOWN]:
        results.print(f"  [red]{escape(one['row'])}[/]  {escape(one['check'])}")
    _rest(report["refused_count"])
    if report["unaccounted"]:
        more = counted(report["unaccounted"], "row or more is", "rows or more are")
        results.print(f"  {more} not there as the head counts them, and cannot be named")
    for row in report["replaced"][:_SHOWN]:
        results.print(f"  {escape(row)}  is not as the backup has it")
    _rest(report["replaced_count"])
    if report["lost_versions"]:
        first, last = report["lost_versions"]
        results.print(f"  what versions {first} to {last} wrote is lost, as far as it is not among these rows")


def _rest(count: int) -> None:
    if count > _SHOWN:
        results.print(f"  … and {count - _SHOWN} more; --json has them")


def asked_for(dialogue: str, *, is_partition: bool, lose: int | None, head: Any = None) -> dict[str, Any]:  # noqa: ANN401  # an open file
    """The body of a request.

    Raises:
        UsageError: the head's fields are no JSON object, or there is nothing that they are for.
    """
    asked: dict[str, Any] = {"partition" if is_partition else "dialogue": dialogue}
    if lose is not None:
        asked["lose"] = lose
    if head is not None:
        try:
            asked["head"] = json.load(head)
        except ValueError:
            raise UsageError("--head: the file is not JSON.") from None
    return asked


def look_at_all(client: Client, job: str, kind: str, *, as_json: bool) -> None:
    """Begin a work, or go on with the one that runs, drive it to its end and print its findings.

    Raises:
        TamperingError: it has findings.
    """
    work = json.loads(client.post("/maintenance", json.dumps({"work": job, "kind": kind}).encode()))
    work = maintain.driven(client, work["id"])
    if as_json:
        print_json(work)
    else:
        for one in work["findings"]:
            about = f"{one['partition']}  {one['problem']}  {one['check']}  {one['row']}"
            results.print(escape(about.rstrip()))
        console.print(f"{escape(work['id'])}: {maintain.said(work)}")
        if "unanswered_marks" in work:
            console.print(carried(inspecting.NOT_OF_ONE_TENANT))
    if work["state"] == "failed":
        one = "restore partition" if job == "restore" else "fsck --accept"
        raise TamperingError(
            f"{maintain.refused(work)}.",
            next_step=f"twinvault {one} PARTITION --partition looks at one of them, row by row.",
        )


restore_app = typer.Typer(name="restore", help="Put partitions back from a table that was restored from a backup.")


@restore_app.command(name="partition")
def restore_partition(
    dialogue: Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_dialogue, help=_DIALOGUE)],
    *,
    partition: Annotated[bool, typer.Option("--partition", help="ID is a partition's.")] = False,
    lose: LoseOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Put one dialogue back as the backup has it; without --lose only say what that would do (exit code 3)."""
    asked = asked_for(dialogue, is_partition=partition, lose=lose)
    mend(connect(url, token, tenant, state), "restore", asked, as_json=as_json)


@restore_app.command(name="all")
def restore_all(
    kind: Annotated[
        str, typer.Argument(autocompletion=complete_kind, help="The kind of the partitions, such as dialogue.")
    ],
    *,
    adopted: Annotated[
        bool, typer.Option("--adopted", help="The restored table is the records table now: accept what it holds.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Put back every partition that cannot be read; the others stay. Exit code 3 if some were refused."""
    client = connect(url, token, tenant, state)
    look_at_all(client, "accept" if adopted else "restore", kind, as_json=as_json)


app = typer.Typer()
app.add_typer(restore_app)


@app.command()
def fsck(
    *,
    kind: Annotated[str, typer.Option(autocompletion=complete_kind, help="The kind of the partitions.")] = "dialogue",
    accept: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            autocompletion=complete_dialogue,
            help=f"Mend one of what is there. {_DIALOGUE}",
            show_default="none",
        ),
    ] = None,
    partition: Annotated[bool, typer.Option("--partition", help="The ID of --accept is a partition's.")] = False,
    lose: LoseOption = None,
    head: HeadOption = None,
    keys: Annotated[
        bool, typer.Option(help="Without them the tables are looked at, with your own AWS credentials.")
    ] = True,
    every: Annotated[bool, typer.Option("--all", help="All tenants; only with --no-keys.")] = False,
    region: Annotated[
        str | None, typer.Option(help="The tables' region, with --no-keys.", show_default="the AWS settings'")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Read every partition of a tenant whole, keys and all, and say which cannot be read. Exit code 3 if one cannot."""
    if every and keys:
        raise UsageError("--all needs --no-keys: a token is of one tenant.")
    if accept is None and (partition or lose is not None or head is not None):
        raise UsageError("--partition, --lose and --head are for --accept ID.")
    if not keys and (accept is not None or kind != "dialogue"):
        raise UsageError("--no-keys looks at every kind, and mends nothing: neither --accept nor --kind goes with it.")
    if not keys:
        inspecting.look(None if every else tenant, region=region, state=state, as_json=as_json)
        return
    client = connect(url, token, tenant, state)
    if accept is None:
        look_at_all(client, "fsck", kind, as_json=as_json)
    else:
        mend(client, "accept", asked_for(accept, is_partition=partition, lose=lose, head=head), as_json=as_json)
