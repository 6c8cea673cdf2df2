"""kms: the local KMS by itself, and snapshots of its store."""

import logging
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import twinvault_durable as durable
from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UsageError
from twinvault_cli.given import remember
from twinvault_cli.output import console, print_json
from twinvault_kms.snapshot import NONCE_BYTES, SALT_BYTES, export_store, import_store, open_snapshot

app = typer.Typer(name="kms", help="A local KMS that refuses what AWS KMS refuses.")
snapshot_app = typer.Typer(name="snapshot", help="A store with its keys in one file, sealed under a passphrase.")
app.add_typer(snapshot_app)

DataOption = Annotated[Path, typer.Option("--data", callback=remember, help="Folder of the store.")]
SeedOption = Annotated[Path | None, typer.Option("--seed-file", help="64 hex digits, mode 0600 (default: DATA/seed).")]
PassphraseOption = Annotated[
    Path | None, typer.Option("--passphrase-file", help="First line is the passphrase (default: ask).")
]


@app.callback(invoke_without_command=True)
def kms(
    context: typer.Context,
    *,
    port: Annotated[int | None, typer.Option(help="Port of the API.", min=1, max=65535)] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the store, made if missing.")] = None,
    seed_file: SeedOption = None,
    callers: Annotated[Path | None, typer.Option(help="JSON map of access key ids to principals.")] = None,
    policies: Annotated[Path | None, typer.Option(help="JSON with everyone's identity policies.")] = None,
    admin_port: Annotated[
        int | None, typer.Option(help="Port for clock and faults, on 127.0.0.1.", min=1, max=65535)
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    account: Annotated[str, typer.Option(help="Everyone's account where no --callers are given.")] = "000000000000",
    keys: Annotated[Path | None, typer.Option(help="JSON with keys that are there from the start.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="File for each new thing that is asked and said.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file with a certificate: TLS is spoken.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with the certificate's key.")] = None,
    tls_self_signed: Annotated[
        Path | None, typer.Option(help="Speak TLS with a made-up certificate; clients trust what is in this file.")
    ] = None,
) -> None:
    """Run the local KMS alone, in the foreground, until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    if port is None or data is None:
        raise UsageError("The local KMS needs a port and a folder.", next_step="twinvault kms --port 8788 --data .kms")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    from twinvault_kms.process import Options, serve  # noqa: PLC0415  # a server, which other commands need not load

    options = Options(
        port,
        data,
        host=host,
        seed_file=seed_file,
        callers=callers,
        policies=policies,
        admin_port=admin_port,
        account=account,
        ledger=ledger,
        keys=keys,
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_self_signed=tls_self_signed,
    )
    serve(options)


@snapshot_app.command("export")
def snapshot_export(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    *,
    data: DataOption,
    seed_file: SeedOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a snapshot of a store, which may be running."""
    if file.exists():
        raise UsageError(f"{file} exists.", next_step="Give another name, or remove it first.")
    snapshot = export_store(
        data,
        seed_file=seed_file,
        passphrase=_passphrase(passphrase_file, confirm=True),
        salt=secrets.token_bytes(SALT_BYTES),
        nonce=secrets.token_bytes(NONCE_BYTES),
    )
    durable.create(file, snapshot)
    if as_json:
        print_json({"file": str(file), "bytes": len(snapshot)})
        return
    console.print(
        f"Wrote {escape(str(file))}, {len(snapshot)} bytes. With the passphrase it opens every key of the store."
    )


@snapshot_app.command("import")
def snapshot_import(
    file: Annotated[Path, typer.Argument(help="File made by export.", exists=True, dir_okay=False)],
    *,
    data: DataOption,
    seed_file: SeedOption = None,
    passphrase_file: PassphraseOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Lose the store that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a store out of a snapshot. The KMS must not be running on it."""
    store = open_snapshot(file.read_bytes(), passphrase=_passphrase(passphrase_file, confirm=False))
    import_store(store, data, seed_file=seed_file, replace=replace)
    if as_json:
        print_json({"data": str(data), "keys": len(store.catalog.keys)})
        return
    console.print(f"{escape(str(data))} now holds {len(store.catalog.keys)} keys.")


def _passphrase(path: Path | None, *, confirm: bool) -> str:
    if path is None:
        return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read.", next_step="Give --passphrase-file a text file.") from error
