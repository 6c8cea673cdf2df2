"""The vectors of whole partitions and their newest marks, through the trust core."""

import json

import pytest

from tests.fakes import Recorder
from tests.records.opening import open_partition
from tests.vectors.generate import FOLDER
from tests.vectors.material import item_of
from tests.vectors.partitions import CLAIMS, SCOPE
from twinvault.dynamodb.marks import head_mark_key, parse_mark
from twinvault.errors import IntegrityError, Step
from twinvault.keys.rows import NamedKey
from twinvault.records.partition import place_rows

VECTORS = json.loads((FOLDER / "partitions.json").read_text())
KEYS = {name: NamedKey(name, bytes.fromhex(key)) for name, key in VECTORS["keys"].items()}


def _named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def _open(vector):
    mark = parse_mark(item_of(vector["mark"])) if vector["mark"] else None
    rows = place_rows([item_of(item) for item in vector["items"]], scope=SCOPE, lowest_format=1)
    return open_partition(rows, KEYS, mark=mark, kind=CLAIMS, scope=SCOPE, observer=Recorder())


def test_the_marks_stand_where_the_page_says():
    assert VECTORS["mark_pk"] == head_mark_key(VECTORS["scope"]["pk"])
    assert VECTORS["scope"] == {"table": "records", "tenant": SCOPE.tenant, "pk": SCOPE.pk}


@pytest.mark.parametrize("vector", _named(VECTORS["partitions"]))
def test_a_partition_that_its_newest_mark_names_opens(vector):
    snapshot = _open(vector)
    if vector["records"] is None:
        assert snapshot is None
        return
    opened = {"head": snapshot.head, **snapshot.records}
    assert vector["records"] == {
        sk: {"version": str(record.version), "fields": record.fields, "digest": record.digest.hex()}
        for sk, record in opened.items()
    }


@pytest.mark.parametrize("vector", _named(VECTORS["refused"]))
def test_a_partition_that_is_not_whole_or_not_the_newest_is_refused(vector):
    with pytest.raises(IntegrityError) as caught:
        _open(vector)
    assert caught.value.step is Step(vector["step"])
