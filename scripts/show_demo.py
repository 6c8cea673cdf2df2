"""The second half of `make demo`: one dialogue in, its items as they lie in the table, the same opened again."""

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from twinvault_cli.client import Client, dialogue_path
from twinvault_cli.connection import connect
from twinvault_cli.errors import CliError, exit_code
from twinvault_cli.raw import query
from twinvault_cli.state import state_folder
from twinvault_local import status
from twinvault_local.errors import TwinError
from twinvault_local.provision import aws, callers

SHOWN = "tension#00#01"
SHOWN_ID = "T0001"
WIDTH = 58
MEASURED_READS = 5

console = Console(highlight=False, width=max(Console().width, 2 * WIDTH + 2))


def main() -> None:
    """Imports the file named on the command line and shows it twice."""
    file = Path(sys.argv[1])
    client = connect(None, None, "demo", None)
    began = time.monotonic()
    imported = json.loads(client.post("/dialogues/import", file.read_bytes()))
    write = time.monotonic() - began
    opened = json.loads(client.get(dialogue_path(imported["id"])))
    items = _items(opened["stored"]["partition_key"])
    reads = sorted(_timed(client, imported["id"]) for _ in range(MEASURED_READS))
    exported = json.loads(client.get(f"{dialogue_path(imported['id'])}/export"))
    same = _canonical(exported) == _canonical(json.loads(file.read_bytes()))

    console.print(
        f"{escape(str(file))}: {imported['result']}, {imported['records']} records, "
        f"transactions: {imported['transactions']}\n"
    )
    console.print(_counts(items))
    item = next(item for item in items if item["sk"]["S"] == SHOWN)
    record = next(one for one in opened["dialogue"]["tensions"] if one["id"] == SHOWN_ID)
    record = {name: value for name, value in record.items() if name != "events"}
    console.print(
        Columns(
            [
                Panel(_stored(item), title="what DynamoDB holds", width=WIDTH),
                Panel(_json(record), title="what a reader gets", width=WIDTH),
            ]
        )
    )
    verb = "written" if imported["transactions"] else "compared with what is stored"
    console.print(
        f"{verb} in {write * 1000:.0f} ms, read and opened in {reads[len(reads) // 2] * 1000:.0f} ms "
        f"(median of {MEASURED_READS}), export equals import: {'yes' if same else 'NO'}\n"
    )
    console.print(_next(client, imported["id"]))
    if not same:
        sys.exit(1)


def _items(partition_key: str) -> list[dict[str, Any]]:
    folder = state_folder(None)
    facts, operator = status.facts(folder), callers.read(folder.callers, callers.OPERATOR)
    client = aws.dynamodb_client(facts.endpoints["dynamodb"], region=facts.region, caller=operator)
    return query(client, facts.tables["records"], partition_key, "")


def _timed(client: Client, dialogue_id: str) -> float:
    began = time.monotonic()
    client.get(dialogue_path(dialogue_id))
    return time.monotonic() - began


def _canonical(document: object) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _counts(items: list[dict[str, Any]]) -> Table:
    table = Table("record", "items", "sealed bytes", box=None)
    kinds: dict[str, list[int]] = {}
    for item in items:
        kinds.setdefault(item["entity_type"]["S"], []).append(len(item["content_encrypted"]["B"]))
    for kind, sizes in sorted(kinds.items()):
        table.add_row(kind, str(len(sizes)), f"{sum(sizes):,}")
    table.add_row("[bold]all[/]", str(len(items)), f"{sum(map(sum, kinds.values())):,}")
    return table


def _stored(item: dict[str, Any]) -> str:
    lines = []
    for name, value in sorted(item.items()):
        ((kind, content),) = value.items()
        text = base64.b64encode(content).decode() if isinstance(content, bytes) else str(content)
        room = WIDTH - 8 - len(name)
        shown = text if len(text) <= room else f"{text[: room - 1]}…"
        style = "red" if kind == "B" else "green"
        lines.append(f"[dim]{name}[/] {kind} [{style}]{escape(shown)}[/]")
    return "\n".join(lines)


def _json(record: object) -> str:
    return escape(json.dumps(record, indent=1, ensure_ascii=False))


def _next(client: Client, dialogue_id: str) -> Panel:
    return Panel(
        f"[bold]{client.url}[/] is up. Try:\n\n"
        f"  .venv/bin/twinvault show {dialogue_id}\n"
        f"  .venv/bin/twinvault raw {dialogue_id} --sk verdict\n"
        f"  .venv/bin/twinvault export {dialogue_id}\n"
        f"  .venv/bin/twinvault list --tenant someone-else\n"
        f'  curl -H "authorization: Bearer $(.venv/bin/twinvault token --tenant demo)" {client.url}/dialogues\n'
        f"  .venv/bin/twinvault logs -f\n\n"
        "Stop it: make down",
        title="next",
        title_align="left",
    )


if __name__ == "__main__":
    try:
        main()
    except (CliError, TwinError) as error:
        console.print(f"[bold red]{escape(error.message)}[/]")
        console.print(escape(error.next_step))
        sys.exit(exit_code(error))
