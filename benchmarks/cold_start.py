"""What importing each handler costs a fresh process: python -m benchmarks.cold_start.

From the unpacked artifact, with nothing else on the path, under the interpreter that made .venv. Twice: with the
compiled modules that the artifact brings, as on Lambda and in the twin; and without, compiled anew by each process,
as it was before the artifact brought them. Contenders alternate. CPU and wall are of the import alone, measured within
the process.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.results import ROOT, Figures, save, say

_ARTIFACT = ROOT / "build" / "functions.zip"
_BOTO3 = "boto3"
_READ = "read"
_BEFORE = "read, with Powertools' resolver and the layout's types"
_HANDLERS = {
    _READ: "service.handlers.read_dialogues",
    "keys": "service.handlers.manage_keys",
    "import": "service.handlers.import_dialogue",
}
CONTENDERS = {
    _BOTO3: "import boto3",
    **{name: f"import {module}" for name, module in _HANDLERS.items()},
    _BEFORE: f"import {_HANDLERS[_READ]}, aws_lambda_powertools.event_handler, dialogues.layout",
}
"""`boto3` is what nobody can do without; the last is what the read handler imported before routes had keys."""

_CHILD = """
import sys, time
sys.path.insert(0, {root!r})
cpu, wall = time.process_time(), time.perf_counter()
{work}
print(time.process_time() - cpu, time.perf_counter() - wall, len(sys.modules))
"""


def main() -> None:
    """Measure, and write cold_start.json."""
    parser = argparse.ArgumentParser(description="What importing each handler costs a fresh process.")
    parser.add_argument("--samples", type=int, default=9, help="fresh processes of each contender (default 9)")
    parser.add_argument("--artifact", type=Path, default=_ARTIFACT, help="the zip (default build/functions.zip)")
    asked = parser.parse_args()
    save("cold_start", measure_all(asked.artifact, asked.samples))


def measure_all(artifact: Path, samples: int) -> Figures:
    """Both ways, each with the medians of all contenders."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "task")
        with zipfile.ZipFile(artifact) as archive:
            archive.extractall(root)  # our own zip
        # Once for the disk's sake.
        for work in CONTENDERS.values():
            measure(root, work, ["-B"])
        found: Figures = {"samples": samples}
        for name, options in {
            "as it is": ["-B"],
            "compiled anew": ["-B", "-X", f"pycache_prefix={folder}/none"],
        }.items():
            say(f"imports of each handler, {name}")
            found[name] = medians_of(root, options, samples)
        return found


def medians_of(root: Path, options: list[str], samples: int) -> Figures:
    """The medians of all contenders, which take turns: CPU and wall in milliseconds, and modules."""
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in CONTENDERS}
    for _ in range(samples):
        for name, work in CONTENDERS.items():
            found[name].append(measure(root, work, options))
    medians = {}
    for name, taken in found.items():
        cpu, wall, modules = (statistics.median(column) for column in zip(*taken, strict=True))
        medians[name] = {"cpu": cpu * 1e3, "wall": wall * 1e3, "modules": modules}
    return medians


def measure(root: Path, work: str, options: list[str]) -> tuple[float, float, int]:
    """Return the CPU and wall seconds of `work` in a process of its own, and how many modules it leaves loaded."""
    base = getattr(sys, "_base_executable", sys.executable)  # without .venv's packages: the artifact has its own
    command = [base, "-I", "-S", *options, "-c", _CHILD.format(root=str(root), work=work)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={})  # noqa: S603  # our own command
    cpu, wall, modules = done.stdout.split()
    return float(cpu), float(wall), int(modules)


if __name__ == "__main__":
    main()
