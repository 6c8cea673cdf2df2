"""What the benchmarks are to reach, and whether they did: decided by the figures, never by hand. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.results import Figures

_OLDER, _NEWER, _OURS = "dynamodb-encryption-sdk", "aws-encryption-sdk", "twinvault"


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal.

    Attributes:
        text: what is to be reached.
        of: the benchmark whose figures decide it.
        value: the figure that counts.
        bound: what it is to be: at most, or with `at_least` at least.
    """

    text: str
    of: str
    value: Callable[[Figures], float]
    bound: float
    at_least: bool = False

    def reached(self, value: float) -> bool:
        """Whether this figure is enough."""
        return value >= self.bound if self.at_least else value <= self.bound


def _both(found: Figures, name: str) -> float:
    return float(sum(found["records"]["1 KB"][name].values()))


def _read_ratio(size: str) -> Callable[[Figures], float]:
    return lambda found: float(found[size]["read"]["ms"] / found[size]["asked"]["ms"])


def _crypto_ratio(name: str) -> Callable[[Figures], float]:
    return lambda found: float(found["crypto"]["1 KB"][name] / found["crypto"]["1 KB"]["raw"])


def _spread(found: Figures) -> float:
    medians = [one["ms"] for one in found.values()]
    return float(max(medians) / min(medians))


def _growth(way: str) -> Callable[[Figures], float]:
    """A record of the largest import to one of the smallest."""

    def growth(found: Figures) -> float:
        each = [one["seconds"] / int(size) for size, one in found[way].items()]
        return float(each[-1] / each[0])

    return growth


def _beside_moto(name: str) -> Callable[[Figures], float]:
    return lambda found: float(found["ours"][name] / found["moto"][name])


def _behind_the_gate(operation: str) -> Callable[[Figures], float]:
    return lambda found: float(found[operation]["gate"]["ms"] - found[operation]["direct"]["ms"])


GOALS = (
    Goal(
        "1 KB at least 10 times as fast as dynamodb-encryption-sdk, in the slowest of three runs",
        "envelope",
        lambda found: float(min(found["again"])),
        10,
        at_least=True,
    ),
    Goal(
        "1 KB at least 40 times as fast as aws-encryption-sdk",
        "envelope",
        lambda found: _both(found, _NEWER) / _both(found, _OURS),
        40,
        at_least=True,
    ),
    Goal("the crypto of 1 KB at most 3.0 times raw AES-GCM", "envelope", _crypto_ratio("crypto"), 3.0),
    Goal("the same with digest and term at most 4.0 times", "envelope", _crypto_ratio("evidence"), 4.0),
    *(
        Goal(
            f"a full read of {int(size):,} records at most 1.2 times what it must ask for",
            "full_reads",
            _read_ratio(size),
            1.2,
        )
        for size in ("100", "1000", "10000")
    ),
    Goal("a put the same within 20 % for 10, 1,000 and 10,000 records", "puts", _spread, 1.2),
    Goal("an import linear through the library: a record within 20 %", "imports", _growth("library"), 1.2),
    Goal("an import linear over HTTP: a record within 20 %", "imports", _growth("http"), 1.2),
    Goal("at most 10 KMS calls per 1,000 warm operations", "kms_calls", lambda found: float(found["one tenant"]), 10),
    Goal(
        "no error of 1 to 64 clients",
        "front_door",
        lambda found: float(sum(sum(one["errors"].values()) for one in found.values())),
        0,
    ),
    Goal(
        "a handler imported within 0.8 s",
        "cold_start",
        lambda found: max(one["wall"] for one in (found["as it is"][name] for name in ("read", "keys", "import"))),
        800,
    ),
    *(
        Goal(
            f"{operation} with RSA-2048 on the local KMS at most twice moto's time",
            "kms",
            _beside_moto(f"{operation.lower()}_p50_ms"),
            2.0,
        )
        for operation in ("Sign", "Verify")
    ),
    *(
        Goal(f"{operation} at most 1.2 ms more behind the gate", "gate", _behind_the_gate(operation), 1.2)
        for operation in ("GetItem", "ExecuteTransaction")
    ),
    Goal(
        "behind the gate at least 60 % of the throughput, 8 clients",
        "gate",
        lambda found: float(found["per_second"]["gate"] / found["per_second"]["direct"]),
        0.6,
        at_least=True,
    ),
)


def judge(found: Mapping[str, Figures]) -> list[tuple[str, str, str]]:
    """Of each goal whose figures are there: what is to be reached, what was measured, and the verdict."""
    judged = []
    for goal in GOALS:
        if goal.of in found:
            try:
                value = goal.value(found[goal.of])
            except KeyError:  # a run of other sizes
                continue
            judged.append((goal.text, f"{value:,.4g}", "reached" if goal.reached(value) else "**missed**"))
    return judged
