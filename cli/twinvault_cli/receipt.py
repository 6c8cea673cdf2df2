"""receipt: what a receipt of an erasure is worth, checked offline, and the key that it is checked by."""

import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from rich.markup import escape

import twinvault_durable as durable
from twinvault_cli import receipt_file
from twinvault_cli.aws_refusals import refusal
from twinvault_cli.connection import (
    TENANT,
    AlreadyJsonOption,
    JsonOption,
    TenantOption,
    TokenOption,
    UrlOption,
    connect,
)
from twinvault_cli.errors import TamperingError, UnavailableError, UsageError
from twinvault_cli.given import carried
from twinvault_cli.output import console, print_json, results
from twinvault_cli.state import StateOption, state_folder
from twinvault_local import status as twin
from twinvault_local.provision import aws, callers

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

app = typer.Typer(name="receipt", help="What a receipt of an erasure is worth.")

NOT_YET_CODE = 1
TWINS_KEY = "alias/twinvault-dev-audit"
FileArgument = Annotated[Path, typer.Argument(help="The receipt, as the service gave it.")]
_MEANS = {
    "refused": "REFUSED BY THE STORE, NOT ERASED: a key lives under which a copy of an erased key would open.",
    "not yet": "NOT YET: no such key lives, and until {after} a copy of one may still be kept.",
    "irrecoverable": "IRRECOVERABLE since {after}, as far as the receipt covers it.",
}


@app.command()
def get(
    erasure_id: Annotated[str, typer.Argument(metavar="ID", help="The erasure's id: twinvault erase list.")],
    *,
    output: Annotated[Path | None, typer.Option(help="File to write.", show_default="standard output")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
    _: AlreadyJsonOption = False,
) -> None:
    """Get the receipt of an erasure as it stands now. One that is got later may say more."""
    file = json.loads(connect(url, token, tenant, state).get(f"/erasures/{erasure_id}/receipt"))
    if output is None:
        print_json(file)
        return
    durable.write(output, json.dumps(file, indent=2, ensure_ascii=False).encode() + b"\n", mode=0o644)
    named = shlex.quote(str(output))
    console.print(f"Wrote {escape(str(output))}. What it is worth:")
    console.print(escape(carried("  twinvault receipt key > audit.pub")))
    console.print(escape(carried(f"  twinvault receipt verify {named} --key audit.pub")))


@app.command()
def verify(
    file: FileArgument,
    *,
    key: Annotated[Path, typer.Option(help="The audit key's public half, in PEM.")],
    tenant: Annotated[str | None, typer.Option(help="The tenant that it must be about.")] = None,
    store: Annotated[str | None, typer.Option(help="The store that it must be about.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a receipt offline. Exit code 3 if it is not what this key signed, or is about something else."""
    found = receipt_file.verified(_bytes(file), receipt_file.public_key(_bytes(key)))
    for what, asked in (("tenant", tenant), ("store", store)):
        if asked is not None and found[what] != asked:
            raise TamperingError(f"This receipt is about {what} {found[what]}, not {asked}.")
    if as_json:
        print_json({**found, "standing": receipt_file.standing(found, datetime.now(UTC))})
        return
    for name, value in _shown(found):
        results.print(f"{name:14} {escape(value)}")
    results.print("\nNot covered:")
    for one in found["not_covered"]:
        results.print(f"  - {escape(one)}")
    _say(found)


@app.command()
def status(
    file: FileArgument,
    *,
    key: Annotated[
        Path | None, typer.Option(help="The audit key's public half; without it nothing is verified.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the erasure is irrecoverable by now, or from when on. Exit code 1 if it is not yet."""
    content = _bytes(file)
    found = receipt_file.verified(content, receipt_file.public_key(_bytes(key))) if key else None
    if found is None:
        console.print("The signature was not checked: give --key, or anybody may have written this.")
        found = receipt_file.unverified(content)
    now = receipt_file.standing(found, datetime.now(UTC))
    if as_json:
        after = found["irrecoverable_after"]
        print_json({"standing": now, "irrecoverable_after": after, "bounds": found["bounds"], "verified": bool(key)})
    else:
        _say(found)
    if now != "irrecoverable":
        sys.exit(NOT_YET_CODE)


@app.command(name="key")
def public_half(
    *,
    key_id: Annotated[
        str | None, typer.Option("--key-id", help="The audit key, or its alias.", show_default="the twin's")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The key's region.", show_default="the AWS settings'")] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Print the audit key's public half in PEM: with your own AWS credentials, which need kms:GetPublicKey."""
    client, named = _kms(key_id, region, state)
    try:
        answer = client.get_public_key(KeyId=named)
    except (ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise UnavailableError(
            f"KMS does not give the public half of {named} ({reason}).",
            next_step="It needs AWS credentials of the key's account that allow kms:GetPublicKey.",
        ) from None
    pem = load_der_public_key(answer["PublicKey"]).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    receipt_file.public_key(pem)  # of another kind it is no audit key
    if as_json:
        print_json({"key": named, "pem": pem.decode()})
        return
    sys.stdout.write(pem.decode())


def _say(found: dict[str, Any]) -> None:
    now = receipt_file.standing(found, datetime.now(UTC))
    results.print(f"\n[bold]{_MEANS[now].format(after=found['irrecoverable_after'])}[/]")
    if now == "refused":
        of = shlex.quote(found["tenant"])
        console.print(escape(carried(f"To make it final: twinvault erase finalize --tenant {of}")))
        console.print("Then ask for the receipt anew.")
    for bound in found["bounds"]:
        results.print(f"  until {bound['until']}  {escape(bound['what'])}")


def _shown(found: dict[str, Any]) -> list[tuple[str, str]]:
    what = f"a partition of kind {found['kind']}" if found["kind"] else "the whole tenant"
    records = found["records"]
    counted = ", ".join(f"{count} {entity}" for entity, count in records.items()) if records else "not known"
    erased, requested = found["erased"], found["requested"]
    return [
        ("store", found["store"]),
        ("tenant", found["tenant"]),
        ("what", f"{what}, mark {found['mark']}"),
        ("asked for by", f"{requested['by']}, {requested['at']}"),
        ("done by", f"{erased['by']}, {erased['at']}"),
        ("audit entry", erased["event"]),
        ("keys", ", ".join(f"{one['name']} (epoch {one['epoch']})" for one in found["keys"]) or "none"),
        ("records", counted),
        ("refused by", found["negative_test"]),
        ("issued", f"{found['issued_at']}, signed by {found['audit_key']}"),
    ]


def _kms(key_id: str | None, region: str | None, state: Path | None) -> "tuple[KMSClient, str]":
    """A client and the key to ask it for: the twin's own, unless a key is named."""
    if key_id is None:
        folder = state_folder(state)
        facts, operator = twin.facts(folder), callers.read(folder.callers, callers.OPERATOR)
        return aws.kms_client(facts.endpoints["kms"], region=facts.region, caller=operator), TWINS_KEY
    try:
        return boto3.Session(region_name=region).client("kms"), key_id
    except BotoCoreError as error:
        raise refusal(error) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", next_step="Name another file.") from None
