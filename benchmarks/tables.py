"""The tables of docs/benchmarks.md, each made of the figures of one benchmark. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.results import Figures

_MS, _MB = 1e3, 1e6
_OLDER, _OURS = "dynamodb-encryption-sdk", "twinvault"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table: its first column is of words, all others of numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def records(found: Figures) -> str:
    """Dict to item and back, at each size."""
    tables = []
    for size, everyone in found["records"].items():
        ours = sum(everyone[_OURS].values())
        rows = [
            [name, f"{one['seal']:,.0f}", f"{one['open']:,.0f}", f"{sum(one.values()):,.0f}", _to(one, ours)]
            for name, one in everyone.items()
        ]
        tables.append(f"{size}:\n\n" + markdown(["", "seal µs", "open µs", "both µs", "to ours"], rows))
    return "\n\n".join(tables)


def _to(one: Figures, ours: float) -> str:
    return f"{sum(one.values()) / ours:.1f}"


def again(found: Figures) -> str:
    """The ratio to AWS's older client, in runs one after the other."""
    runs = ", ".join(f"{one:.1f}" for one in found["again"])
    return f"1 KB against {_OLDER} alone, {len(found['again'])} runs one after the other: {runs} times as fast."


def crypto(found: Figures) -> str:
    """Bytes to bytes and back."""
    rows = []
    for size, one in found["crypto"].items():
        raw = one["raw"]
        others = [one[name] for name in ("crypto", "evidence", "whole")]
        rows.append([size, f"{raw:.1f}", *(text for time in others for text in (f"{time:.1f}", f"{time / raw:.1f}"))])
    head = ["", "raw AES-GCM µs", "the crypto alone µs", "ratio", "with evidence µs", "ratio", "whole µs", "ratio"]
    return markdown(head, rows)


def parts(found: Figures) -> str:
    """Where the time of a 1 KB seal goes."""
    return markdown(["", "µs"], [[name, f"{time:.2f}"] for name, time in found["parts"].items()])


def threads(found: Figures) -> str:
    """Round trips a second."""
    rows = [[name, *(f"{rate:,.0f}" for rate in rates)] for name, rates in found["threads"].items()]
    return markdown(["", "1 thread", "2 threads"], rows)


def full_reads(found: Figures) -> str:
    """A full read beside what it must ask for."""
    rows = [
        [
            f"{int(size):,}",
            *(_milliseconds(one[name]) for name in ("rows", "asked", "read")),
            f"{one['read']['ms'] / one['asked']['ms']:.2f}",
            str(one["read"]["samples"]),
        ]
        for size, one in found.items()
    ]
    head = ["records", "Query of the rows ms", "all that it must ask ms", "full read ms", "ratio", "samples"]
    return markdown(head, rows)


def opening(found: Figures) -> str:
    """Where the processor time of a full read goes."""
    rows = [[name, f"{time:.1f}"] for name, time in found["parts"].items()]
    return markdown([f"{found['records']:,} records", "µs of CPU a record"], rows)


def cold_reads(found: Figures) -> str:
    """A read without keys, and one with them."""
    rows = [
        [f"{name}, {found['records']} records", _milliseconds(one), f"{one['requests']}", f"{one['kms_calls']}"]
        for name, one in found.items()
        if name != "records"
    ]
    return markdown(["", "ms", "requests to DynamoDB", "KMS calls"], rows)


def puts(found: Figures) -> str:
    """One record written, by the partition's size."""
    least = min(one["ms"] for one in found.values())
    rows = [
        [f"{int(size):,}", _milliseconds(one), f"{one['from']:.1f} to {one['to']:.1f}", f"{one['ms'] / least:.2f}"]
        for size, one in found.items()
    ]
    return markdown(["records there", "put ms", "half of the samples", "to the fastest"], rows)


def imports(found: Figures) -> str:
    """Imports by three ways."""
    names = {"library": "library", "unpaced": "library, without the pace", "http": "artifact, over HTTP"}
    rows = []
    for way, sizes in found.items():
        for size, one in sizes.items():
            each = one["seconds"] / int(size) * _MS
            rows.append([names[way], f"{int(size):,}", f"{one['seconds']:.1f}", f"{each:.2f}", f"{one['requests']}"])
    return markdown(["", "records", "seconds", "ms a record", "requests"], rows)


def memory(found: Figures) -> str:
    """Peaks."""
    names = {"read": "full read", "rows": "Query of the rows, boto3 alone"}
    rows = [
        [names[way], *(f"{found[way][how] / _MB:.0f}" for how in ("resident", "traced")), _times(found, way)]
        for way in names
    ]
    head = [f"{found['records']:,} records", "resident MB", "traced MB", "resident to stored"]
    return f"The rows are {found['stored'] / _MB:.1f} MB in the table.\n\n" + markdown(head, rows)


def _times(found: Figures, way: str) -> str:
    return f"{found[way]['resident'] / found['stored']:.1f}"


def kms_calls(found: Figures) -> str:
    """Calls of KMS per 1,000 operations."""
    rows = [
        ["one process, one tenant", f"{found['one tenant']:.0f}"],
        [f"one process, {found['tenants']} tenants in turn", f"{found['many tenants']:.0f}"],
        ["each operation in a process of its own", f"{found['cold']:,.0f}"],
    ]
    return markdown(["", "KMS calls per 1,000 operations"], rows)


def front_door(found: Figures) -> str:
    """Clients at the front door."""
    rows = [
        [clients, f"{one['per_second']:.0f}", f"{one['p50']:.0f}", f"{one['p99']:.0f}", _errors(one["errors"])]
        for clients, one in found.items()
    ]
    return markdown(["clients", "answers a second", "p50 ms", "p99 ms", "errors"], rows)


def _errors(found: dict[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in found.items()) or "none"


def costs(found: Figures) -> str:
    """Units, calls and money of each operation, ours and plain."""
    prices = found["prices"]
    rows = [
        [name, *_cost(one["ours"]), f"{one['ours']['kms_calls']}", *_cost(one["plain"])[:2], _usd(one["plain"])]
        for name, one in found["operations"].items()
    ]
    head = [
        "",
        "write units",
        "read units",
        "$ a million",
        "KMS calls",
        "plain: write units",
        "read units",
        "$ a million",
    ]
    about = (
        f"{prices['region']}, on demand, {prices['date']}: ${prices['write_request_units_per_million']} a million "
        f"write units, ${prices['read_request_units_per_million']} a million read units, "
        f"${prices['kms_requests_per_10000']} for 10,000 KMS requests."
    )
    return f"{about}\n\n{markdown(head, rows)}"


def _cost(one: Figures) -> list[str]:
    return [f"{one['write_units']:,g}", f"{one['read_units']:,g}", _usd(one)]


def _usd(one: Figures) -> str:
    return f"{one['usd_per_million']:,.2f}"


def sum_and_mark(found: Figures) -> str:
    """What sum and mark cost."""
    tables = []
    for name, title in {"read": f"a full read of {found['records']} records", "write": "a write of one"}.items():
        first = next(iter(found[name].values()))
        rows = [[of, f"{time:.1f}", f"{time / first:.2f}"] for of, time in found[name].items()]
        tables.append(markdown([title, "ms", "to the first"], rows))
    return "\n\n".join(tables)


def cold_start(found: Figures) -> str:
    """What importing each handler costs."""
    tables = []
    for way in ("as it is", "compiled anew"):
        read = found[way]["read"]["cpu"]
        rows = [
            [name, f"{one['cpu']:,.0f}", f"{one['wall']:,.0f}", f"{one['cpu'] / read:.2f}", f"{one['modules']:.0f}"]
            for name, one in found[way].items()
        ]
        tables.append(markdown([way, "CPU ms", "wall ms", "CPU to read", "modules"], rows))
    return "\n\n".join(tables)


def kms(found: Figures) -> str:
    """The local KMS beside moto."""
    names = {
        "start_seconds": "start-up, s",
        "generate_p50_ms": "GenerateDataKey, p50 ms",
        "decrypt_p50_ms": "Decrypt, p50 ms",
        "sign_p50_ms": "Sign, RSA-2048, p50 ms",
        "verify_p50_ms": "Verify, RSA-2048, p50 ms",
        "requests_per_second": "requests a second, 8 clients",
        "busy_p50_ms": "Decrypt while 8 threads make RSA-4096 pairs, p50 ms",
        "busy_p99_ms": "the same, p99 ms",
    }
    rows = [[text, f"{found['ours'][name]:,.2f}", f"{found['moto'][name]:,.2f}"] for name, text in names.items()]
    return markdown(["", "ours", "moto"], rows)


def gate(found: Figures) -> str:
    """DynamoDB Local with the gate before it and without."""
    rows = []
    for operation in ("GetItem", "ExecuteTransaction"):
        one = found[operation]
        without, behind = one["direct"]["ms"], one["gate"]["ms"]
        rows.append([f"{operation}, p50 ms", f"{without:.2f}", f"{behind:.2f}", f"{behind - without:+.2f}"])
    without, behind = found["per_second"]["direct"], found["per_second"]["gate"]
    rows.append(["GetItem a second, 8 clients", f"{without:,.0f}", f"{behind:,.0f}", f"{behind / without:.0%}"])
    return markdown(["", "direct", "by the gate", ""], rows)


def _milliseconds(one: dict[str, Any]) -> str:
    return f"{one['ms']:,.1f}"


TABLES: dict[str, tuple[str, Callable[[Figures], str]]] = {
    **{name: ("envelope", make) for name, make in {"records": records, "again": again, "crypto": crypto}.items()},
    **{name: ("envelope", make) for name, make in {"parts": parts, "threads": threads}.items()},
    "full_reads": ("full_reads", full_reads),
    "opening": ("opening", opening),
    "cold_reads": ("cold_reads", cold_reads),
    "puts": ("puts", puts),
    "imports": ("imports", imports),
    "memory": ("memory", memory),
    "kms_calls": ("kms_calls", kms_calls),
    "front_door": ("front_door", front_door),
    "costs": ("costs", costs),
    "sum_and_mark": ("sum_and_mark", sum_and_mark),
    "cold_start": ("cold_start", cold_start),
    "kms": ("kms", kms),
    "gate": ("gate", gate),
}
"""By the name of its place on the page: whose figures a table is made of, and how."""
