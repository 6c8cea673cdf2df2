"""docs/benchmarks.md: its tables and plots, written from build/bench: python -m benchmarks.page.

A table stands between `<!-- bench:NAME -->` and `<!-- end -->`; what is between is replaced, all else is prose and
stays. A benchmark that has not run leaves its table as it was.
"""

import re
import sys
from pathlib import Path

from benchmarks import svg
from benchmarks.goals import judge
from benchmarks.results import FOLDER, ROOT, Figures, load
from benchmarks.tables import TABLES, markdown

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"
_PLACE = re.compile(r"(?P<begin><!-- bench:(?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)
_RUN, _GOALS = "run", "goals"
_BUSY = 2
"""More waiting processes a core than this are not the benchmarks' own."""


def main() -> None:
    """Write page and plots; say what is missing."""
    missing = write(PAGE, PLOTS, folder=FOLDER)
    if missing:
        sys.stderr.write(f"not run, and left as they were: {', '.join(missing)}\n")


def write(page: Path, plots: Path, *, folder: Path) -> list[str]:
    """Write the page and the plots, of what is in `folder`; the benchmarks that have not run."""
    names = list(dict.fromkeys(of for of, _ in TABLES.values()))
    found = {name: one for name in names if (one := load(name, folder=folder)) is not None}
    figures = {name: one["figures"] for name, one in found.items()}
    page.write_text(filled(page.read_text(encoding="utf-8"), blocks(found)), encoding="utf-8")
    plots.mkdir(parents=True, exist_ok=True)
    for name, text in drawings(figures).items():
        (plots / name).write_text(text, encoding="utf-8")
    return [name for name in names if name not in found]


def blocks(found: dict[str, Figures]) -> dict[str, str]:
    """By the name of its place, what stands there."""
    figures = {name: one["figures"] for name, one in found.items()}
    made = {name: make(figures[of]) for name, (of, make) in TABLES.items() if of in figures}
    if found:
        made[_RUN] = run(found)
        made[_GOALS] = markdown(["goal", "measured", ""], judge(figures))
    return made


def run(found: dict[str, Figures]) -> str:
    """When, where and with what; and how busy the machine was."""
    abouts = [one["about"] for one in found.values()]
    packages = {name: number for one in abouts for name, number in one["packages"].items()}
    versions = ", ".join(f"{name} {number}" for name, number in packages.items())
    dates = sorted({one["date"] for one in abouts})
    loads = sorted(one["load"] for one in abouts)
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    text = (
        f"Of {when}, {abouts[-1]['machine']}, with a load of {loads[0]} to {loads[-1]}; Python {abouts[-1]['python']}, "
        f"{versions}."
    )
    if loads[-1] > _BUSY * abouts[-1]["cores"]:
        text += "\n**Other work kept the machine busy: rely on what is counted here, and on nothing that is timed.**"
    return text


def filled(page: str, made: dict[str, str]) -> str:
    """The page with these blocks in their places.

    Raises:
        ValueError: there is no place for a block.
    """
    places = {place["name"] for place in _PLACE.finditer(page)}
    if homeless := sorted(made.keys() - places):
        raise ValueError(f"the page has no place for {', '.join(homeless)}")
    return _PLACE.sub(lambda at: f"{at['begin']}{made[at['name']]}\n{at['end']}" if at["name"] in made else at[0], page)


def drawings(figures: dict[str, Figures]) -> dict[str, str]:
    """The plots whose figures are there, by file name."""
    made = {}
    if "envelope" in figures:
        everyone = figures["envelope"]["records"]["1 KB"]
        values = {name: sum(both.values()) for name, both in everyone.items()}
        made["speed.svg"] = svg.bars("A 1 KB record, dict to item and back", values, unit="µs, logarithmic")
    if "puts" in figures and "full_reads" in figures:
        reads = figures["full_reads"]
        series = {
            "full read": [(int(size), one["read"]["ms"]) for size, one in reads.items()],
            "all that it must ask DynamoDB for": [(int(size), one["asked"]["ms"]) for size, one in reads.items()],
            "put of one record": [(int(size), one["ms"]) for size, one in figures["puts"].items()],
        }
        title = "What a read and a write take, by the partition's size"
        made["cost.svg"] = svg.lines(title, series, across="records in the partition", up="ms")
    return made


if __name__ == "__main__":
    main()
