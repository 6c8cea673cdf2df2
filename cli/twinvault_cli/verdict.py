"""verdict: whether this artifact may be deployed to this stage, now, and whether somebody signed that it may.

Exit code 0: GO. 1: NO-GO, each reason with what to do about it.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import twinvault_durable as durable
from twinvault_cli.completing import complete_stage
from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import TamperingError, UsageError
from twinvault_cli.output import console, print_json, results
from twinvault_cli.state import ROOT
from twinvault_local.artifact import archive, wheels
from twinvault_local.artifact.project import Project
from twinvault_local.engines import versions
from twinvault_verdict import envelope, statement
from twinvault_verdict.checks import freshness
from twinvault_verdict.errors import EnvelopeError, VerdictError
from twinvault_verdict.evidence import Evidence
from twinvault_verdict.facts import Gathered
from twinvault_verdict.gathering import everything
from twinvault_verdict.judging import GO, Judgement, judge

if TYPE_CHECKING:
    from twinvault_verdict.checks.result import Reason

NO_GO_CODE = 1
WRITTEN = ROOT / "build" / "verdict.json"

app = typer.Typer(
    name="verdict",
    help="GO or NO-GO: whether this artifact may be deployed to this stage.",
    invoke_without_command=True,
)


@app.callback()
def verdict(
    context: typer.Context,
    *,
    stage: Annotated[
        str, typer.Option(autocompletion=complete_stage, help="The stage that is to be deployed.")
    ] = "prod",
    as_json: JsonOption = False,
    key: Annotated[str | None, typer.Option(help="Who signs: a private key in PEM, or awskms:KEY.")] = None,
    verifier: Annotated[str, typer.Option(help="A URI for who judges; in CI its workflow.")] = statement.VERIFIER,
    previous: Annotated[
        Path | None, typer.Option(help="The last released artifact, as a file.", show_default="by tag")
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only print what must be run first, a line each.")] = False,
) -> None:
    """Check everything that a deployment rests on, print a table, and write build/verdict.json."""
    if context.invoked_subcommand is not None:
        return
    if previous is not None and not previous.is_file():
        raise UsageError(f"There is no artifact at {previous}.", next_step="Name the zip of the last release.")
    with _in_words():
        facts = everything.gather(ROOT, stage, building=_BUILDING, previous=previous)
        if missing:
            for command in _missing(facts):
                typer.echo(command)
            return
        signer = envelope.signer(key, work_tree=ROOT) if key else None
        judgement = judge(facts)
        said = statement.to_bytes(statement.summary(facts, judgement, verifier=verifier))
        _write(facts, envelope.seal(said, by=signer))
    if as_json:
        shown = {"verdict": judgement.word, "stage": stage, "checks": statement.checks(judgement)}
        print_json({**shown, "signed": signer is not None, "file": str(WRITTEN)})
    else:
        _print(judgement, signed=signer is not None)
    if judgement.word != GO:
        sys.exit(NO_GO_CODE)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The signed verdict, such as build/verdict.json.")],
    *,
    key: Annotated[Path, typer.Option(help="The public key of who signs, in PEM.")],
    stage: Annotated[str | None, typer.Option(help="The stage that it must be about.")] = None,
    artifact: Annotated[Path | None, typer.Option(help="The zip that it must be about.")] = None,
    verifier: Annotated[str | None, typer.Option(help="Who must have judged, as a URI.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a verdict offline. Exit code 3 if it is not what this key signed, or is about something else."""
    with _in_words():
        found = statement.read_summary(envelope.open_signed(_bytes(file), _bytes(key)))
    wanted = {
        "stage": (stage, found.stage),
        "artifact": (everything.digest_of(artifact) or "absent" if artifact else None, found.artifact_sha256),
        "verifier": (verifier, found.verifier),
    }
    for what, (asked, told) in wanted.items():
        if asked is not None and asked != told:
            raise TamperingError(f"This verdict is about {what} {told}, not {asked}.")
    shown = {"verdict": found.word, "stage": found.stage, "artifact": found.artifact_sha256, "commit": found.commit}
    shown |= {"verifier": found.verifier, "at": found.at}
    if as_json:
        print_json({**shown, "checks": list(found.checks)})
    else:
        for name, value in shown.items():
            results.print(f"{name:9} {escape(value)}")
    if found.word != GO:
        sys.exit(NO_GO_CODE)


_BUILDING = everything.Building(
    engines=versions.versions,
    packed=archive.of_functions,
    locked=lambda: wheels.installed_anew(
        ROOT / "requirements" / "runtime.txt",
        ROOT / ".cache",
        architecture=Project.read(ROOT).architecture,
        python=Path(sys.executable),
    ),
)


@contextmanager
def _in_words() -> Iterator[None]:
    """What the verdict's own errors become for the command: a signature that does not hold is tampering."""
    try:
        yield
    except EnvelopeError as error:
        raise TamperingError(error.message, next_step=error.next_step) from error
    except VerdictError as error:
        raise UsageError(error.message, next_step=error.next_step) from error


def _missing(facts: Gathered) -> list[str]:
    """The commands that make what evidence is missing; none in a work tree of which no evidence would be of use."""
    if facts.changes:
        return []
    wanted = ["suite", "kms-conformance", "differences", "iam", "parity-twin"]
    if facts.release is not None or facts.previous_sha256:
        wanted.append("either-way")
    return list(dict.fromkeys(freshness.command(name) for name in wanted if freshness.is_missing(facts, name)))


def _write(facts: Gathered, sealed: dict[str, Any]) -> None:
    suite = facts.evidence.get("suite")
    if isinstance(suite, Evidence):
        result = statement.to_bytes(statement.as_test_result(suite))
        durable.write(ROOT / everything.EVIDENCE / statement.TESTED, result, mode=0o644)
    WRITTEN.parent.mkdir(exist_ok=True)
    durable.write(WRITTEN, json.dumps(sealed, indent=1).encode() + b"\n", mode=0o644)


def _print(judgement: Judgement, *, signed: bool) -> None:
    table = Table("", "check", "", "evidence", box=None)
    for one in judgement.checks:
        word = "[green]GO[/]" if one.checked.passed else "[red]NO-GO[/]"
        table.add_row(str(one.number), one.name, word, escape(one.checked.said))
    results.print(table, soft_wrap=False)
    found: dict[Reason, list[int]] = {}  # one thing may stand in the way of several checks
    for one in judgement.checks:
        for reason in one.checked.reasons:
            found.setdefault(reason, []).append(one.number)
    for reason, numbers in found.items():
        which = ", ".join(map(str, numbers))
        # Not wrapped: what to do is often a command, to be copied.
        results.print(f"\n[bold]{which}[/]  {escape(reason.why)}\n   {escape(reason.todo)}")
    colour = "green" if judgement.word == GO else "red"
    results.print(f"\n[bold {colour}]{judgement.word}[/]  stage {judgement.stage}, {WRITTEN.relative_to(ROOT)}")
    if not signed:
        console.print("The file is unsigned, so nobody else can rely on it. With a key: --key")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", next_step="Name another file.") from None
