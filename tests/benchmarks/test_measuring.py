"""Every benchmark over the store runs, with tiny sizes, and its figures become a table. None is judged."""

import pytest

from benchmarks import asked, cold_reads, costs, full_reads, gate, imports, kms_calls, memory, opening, puts, tables
from benchmarks.documents import MOST, document, encode
from benchmarks.place import Bench
from dialogues.importing import plan_import
from twinvault_http.strict_json import parse


def rows_of(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("| ")][2:]


def test_full_reads(bench: Bench):
    found = full_reads.measure(bench, [3, 5], samples=3)
    assert [one["read"]["samples"] for one in found.values()] == [3, 3]
    assert len(rows_of(tables.full_reads(found))) == 2


def test_a_full_read_that_does_not_find_what_was_written_is_no_figure(bench: Bench):
    bench.fill("short", 2)
    with pytest.raises(RuntimeError, match="has not the 3 records"):
        full_reads.read(bench, "short", expected=3)


def test_the_plain_contender_asks_for_all_rows_and_appends(bench: Bench):
    bench.fill("asked", 4)
    assert len(asked.rows(bench, asked.partition_key("asked"))) == 5
    append = asked.Append(bench, "asked")
    before = bench.dynamodb.scan(TableName=bench.tables.audit, Select="COUNT")["Count"]
    append()
    append()
    assert bench.dynamodb.scan(TableName=bench.tables.audit, Select="COUNT")["Count"] == before + 2


def test_the_parts_of_a_full_read(bench: Bench):
    found = opening.measure(bench, 5)
    assert all(time > 0 for time in found["parts"].values())
    assert len(rows_of(tables.opening(found))) == len(found["parts"])


def test_cold_reads(bench: Bench):
    found = cold_reads.measure(bench, 3, samples=3)
    assert (found["cold"]["kms_calls"], found["warm"]["kms_calls"]) == (2, 0)
    assert found["cold"]["requests"] > found["warm"]["requests"] == 3
    assert len(rows_of(tables.cold_reads(found))) == 2


def test_puts(bench: Bench):
    found = puts.measure(bench, [2, 4], samples=3)
    assert list(found) == ["2", "4"]
    assert len(rows_of(tables.puts(found))) == 2


def test_imports_through_the_library(bench: Bench):
    found = {"library": imports.measure("library", imports.by_library(bench.vault), [20], samples=1)}
    assert found["library"]["20"]["requests"] == 1
    assert len(rows_of(tables.imports(found))) == 1


def test_an_import_is_repeated_until_it_is_whole():
    answers = iter([False, False, True])
    assert imports.imported(lambda _body: next(answers), b"") == 3


def test_memory_is_measured_in_a_child(bench: Bench):
    memory.fill(bench, 20)
    assert memory.in_child(bench.address, 20, way="read", how="traced") > 20_000
    assert memory.measure_here(bench, 20, way="rows", traced=False) >= 0
    found = {"records": 20, "stored": 5_000_000, **{way: {"resident": 2e7, "traced": 1e7} for way in memory.WAYS}}
    assert rows_of(tables.memory(found))[0] == "| full read | 20 | 10 | 4.0 |"


def test_kms_calls(bench: Bench):
    found = kms_calls.measure(bench, 20, tenants=2)
    # Two keys of each tenant that a process meets, however many operations follow.
    assert found == {"operations": 20, "tenants": 2, "one tenant": 100, "many tenants": 200, "cold": 2000}
    assert len(rows_of(tables.kms_calls(found))) == 3


def test_costs(bench: Bench):
    found = costs.measure(bench, small=4, large=6)
    operations = found["operations"]
    assert operations["get a record"]["plain"] | {"usd_per_million": 0} == {
        "write_units": 0,
        "read_units": 1,
        "requests": 1,
        "kms_calls": 0,
        "usd_per_million": 0,
    }
    assert operations["get a record"]["ours"]["write_units"] == 2, "its audit entry"
    assert operations["add a record"]["ours"]["requests"] == 2, "a look at the head, and a transaction"
    assert operations["read 6 records, no key in memory"]["ours"]["kms_calls"] == 2
    for name, pair in operations.items():
        assert pair["ours"]["usd_per_million"] > pair["plain"]["usd_per_million"] > 0, name
    assert len(rows_of(tables.costs(found))) == len(operations)


def test_the_largest_document_can_be_imported():
    body = encode(document("largest", MOST))
    assert len(plan_import(parse(body)).drafts) + 1 == MOST
    with pytest.raises(ValueError, match="too large"):
        document("larger", MOST + 1)


def test_gate(dynamodb_endpoint: str):
    with gate.gate_before(dynamodb_endpoint) as behind:
        gate.make_rows(dynamodb_endpoint)
        found = gate.measure({"direct": dynamodb_endpoint, "gate": behind}, samples=5, seconds=0.2)
    assert found["GetItem"]["gate"]["samples"] == 5
    assert min(found["per_second"].values()) > 0
    assert len(rows_of(tables.gate(found))) == 3
