"""docs/benchmarks.md is made of figures alone: each table has its place, and what did not run stays as it was."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks import __main__ as every
from benchmarks import goals, page, results, svg
from benchmarks.tables import TABLES

TIME = {"ms": 2.0, "from": 1.0, "to": 3.0, "samples": 3}
PUTS = {"10": TIME, "1000": TIME | {"ms": 2.3}, "10000": TIME}
READS = {size: {"rows": TIME, "asked": TIME, "read": TIME | {"ms": 2.5}} for size in ("100", "1000", "10000")}
PEERS = ("twinvault", "raw AES-GCM", "dynamodb-encryption-sdk", "aws-encryption-sdk")
ENVELOPE = {
    "samples": 3,
    "records": {"1 KB": {name: {"seal": 10.0, "open": 10.0 + place} for place, name in enumerate(PEERS)}},
    "again": [10.5, 11.0, 9.9],
    "crypto": {"1 KB": {"raw": 5.0, "crypto": 14.0, "evidence": 22.0, "whole": 30.0}},
    "parts": {"padding": 0.25},
    "threads": {"twinvault": [1000.0, 1100.0]},
}
FRONT_DOOR = {
    "1": {"per_second": 9.0, "p50": 8.0, "p99": 12.0, "requests": 90, "errors": {}},
    "64": {"per_second": 9.0, "p50": 8.0, "p99": 12.0, "requests": 90, "errors": {"503": 2}},
}
OTHERS = {
    "sum_and_mark": {"records": 5, "samples": 3, "read": {"rows alone": 1.0, "all": 2.0}, "write": {"all": 3.0}},
    "cold_start": {
        way: {name: {"cpu": 300.0, "wall": 400.0, "modules": 500} for name in ("boto3", "read", "keys", "import")}
        for way in ("as it is", "compiled anew")
    },
    "kms": {
        of: dict.fromkeys(
            (
                *("start_seconds", "generate_p50_ms", "decrypt_p50_ms", "sign_p50_ms", "verify_p50_ms"),
                *("requests_per_second", "busy_p50_ms", "busy_p99_ms"),
            ),
            1.5,
        )
        for of in ("ours", "moto")
    },
}
GATE = {
    **{operation: {"direct": TIME, "gate": TIME | {"ms": 3.0}} for operation in ("GetItem", "ExecuteTransaction")},
    "per_second": {"direct": 1000.0, "gate": 700.0},
}
FIGURES = {"gate": GATE, "puts": PUTS, "full_reads": READS, "envelope": ENVELOPE, "front_door": FRONT_DOOR, **OTHERS}


@pytest.fixture
def folder(tmp_path):
    for name, figures in FIGURES.items():
        results.save(name, figures, folder=tmp_path / "bench")
    return tmp_path / "bench"


def test_the_page_has_a_place_for_every_table_and_no_other():
    text = page.PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- bench:(\w+) -->", text)) == sorted({*TABLES, "run", "goals"})
    assert text.count("<!-- end -->") == len(TABLES) + 2


def test_every_table_is_made_by_a_benchmark_that_make_bench_runs():
    assert {of for of, _ in TABLES.values()} == set(every.NAMES)
    assert {goal.of for goal in goals.GOALS} <= set(every.NAMES)


def test_what_did_not_run_is_named_and_stays_and_the_rest_is_replaced(tmp_path, folder):
    copy = tmp_path / "page.md"
    copy.write_text(
        re.sub(r"(<!-- bench:\w+ -->\n).*?(<!-- end -->)", r"\1before\n\2", page.PAGE.read_text(), flags=re.DOTALL)
    )
    missing = page.write(copy, tmp_path / "plots", folder=folder)
    text = copy.read_text(encoding="utf-8")
    assert set(missing) == set(every.NAMES) - set(FIGURES)
    assert len(re.findall(r"-->\nbefore\n", text)) == len([1 for of, _ in TABLES.values() if of in missing])
    assert "| 1,000 | 2.3 | 1.0 to 3.0 | 1.15 |" in text
    assert "| 64 | 9 | 8 | 12 | 2 of 503 |" in text
    assert f"Python {json.loads((folder / 'puts.json').read_text())['about']['python']}" in text
    again = copy.read_text(encoding="utf-8")
    page.write(copy, tmp_path / "plots", folder=folder)
    assert copy.read_text(encoding="utf-8") == again


@pytest.mark.parametrize(("load", "said"), [(3.9, False), (4.1, True)])
def test_figures_of_a_busy_machine_are_said_to_be_of_one(load, said):
    about = {"date": "2026-11-30", "machine": "2 cores", "python": "3.13", "packages": {}, "load": load, "cores": 2}
    assert ("kept the machine busy" in page.run({"puts": {"about": about, "figures": PUTS}})) is said


def test_a_table_without_a_place_is_a_mistake():
    with pytest.raises(ValueError, match="no place for puts"):
        page.filled("nothing", {"puts": "| |"})


def test_goals_are_judged_by_the_figures():
    judged = {text: verdict for text, _, verdict in goals.judge(FIGURES)}
    missed = {text for text, verdict in judged.items() if verdict != "reached"}
    assert "a put the same within 20 % for 10, 1,000 and 10,000 records" not in missed
    assert {
        "1 KB at least 10 times as fast as dynamodb-encryption-sdk, in the slowest of three runs",
        "a full read of 1,000 records at most 1.2 times what it must ask for",
        "no error of 1 to 64 clients",
    } <= missed
    assert not [text for text in judged if "KMS calls" in text], "it did not run"


def test_plots_are_whole_documents_and_the_same_for_the_same_figures(folder):
    drawn = page.drawings(FIGURES)
    assert set(drawn) == {"speed.svg", "cost.svg"}
    assert drawn == page.drawings(FIGURES)
    for text in drawn.values():
        root = ET.fromstring(text)  # noqa: S314  # our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find("{http://www.w3.org/2000/svg}title").text
        for element in root.iter():
            for name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2"):
                assert -1 <= float(element.get(name, "0")) <= svg.WIDTH
    assert drawn["cost.svg"].count("<polyline") == 3


def test_what_a_plot_says_cannot_leave_its_element():
    assert "<b>" not in svg.bars("<b>", {"<b>&": 20.0}, unit="<b>")


def test_the_plots_stand_on_the_page():
    text = page.PAGE.read_text(encoding="utf-8")
    for name in ("speed.svg", "cost.svg"):
        assert f"](benchmarks/{name})" in text
        assert (page.PLOTS / name).exists()
