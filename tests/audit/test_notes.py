"""What an activity notes is said once, and never lost, whoever else is at work."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from twinvault.audit.activity import Activity
from twinvault.audit.composing import elements_of
from twinvault.audit.elements import HeadSeen, Wrote, mark_hash
from twinvault.audit.entry import Origin
from twinvault.errors import InvalidInput

ONE, TWO = HeadSeen(1, b"1" * 32), HeadSeen(2, b"2" * 32)


@pytest.fixture
def activity():
    return Activity(tenant="acme", principal="subject", action="report.read", deadline=0.0, began="t")


def said(activity, *, every=False, wrote=None):
    """What an entry would say now, by list; it is durable then."""
    notes = activity.notes.unsaid(every=every)
    elements, last = elements_of(notes, wrote or {})
    activity.notes.said(note for element in [*elements, *last] for note in element.sources)
    found = {"crypto": [], "keys": [], "kms": [], "partitions": []}
    for element in [*elements, *last]:
        found[element.member].append(element.content)
    return found


@contextmanager
def another_thread_writing(activity, work):
    """Work that another thread does within a write, and stays in it."""
    begun, end = threading.Event(), threading.Event()

    def write():
        with activity.writing():
            work()
            begun.set()
            end.wait(20)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        try:
            assert begun.wait(20)
            yield
        finally:
            end.set()
            done.result(20)


def test_operations_are_counted_by_key_and_outcome_and_sorted(activity):
    for _ in range(3):
        activity.crypto("decrypt", "dek#2")
    activity.crypto("decrypt", "dek#1")
    activity.crypto("decrypt", "dek#2", outcome="failure")
    activity.kms_call("r-1")
    activity.kms_call("")
    activity.key_event("make_kek", "kek#000001")
    activity.key_event("make_kek", "kek#000001")
    assert said(activity) == {
        "crypto": [
            {"op": "decrypt", "key": "dek#1", "outcome": "success", "n": 1},
            {"op": "decrypt", "key": "dek#2", "outcome": "failure", "n": 1},
            {"op": "decrypt", "key": "dek#2", "outcome": "success", "n": 3},
        ],
        "keys": [{"op": "make_kek", "key": "kek#000001"}] * 2,
        "kms": ["r-1"],
        "partitions": [],
    }
    assert not any(said(activity).values())


def test_looks_at_one_partition_are_told_in_order_and_not_repeated(activity):
    for head in (ONE, ONE, TWO, ONE, None):
        activity.saw("head#a", head)
    activity.saw("head#b", ONE)
    states = [one["saw"] and one["saw"]["version"] for one in said(activity)["partitions"]]
    assert states == [1, 2, 1, None, 1]


def test_what_was_asked_for_is_told_where_it_was_not_seen(activity):
    for mark in ("head#seen", "head#refused", "head#refused"):
        activity.asked(mark)
    activity.saw("head#seen", ONE)
    activity.asked("head#seen")
    partitions = said(activity)["partitions"]
    assert [one["mark"] for one in partitions] == [mark_hash("head#seen"), mark_hash("head#refused")]
    assert ["saw" in one for one in partitions] == [True, False]
    assert not any(said(activity).values())


def test_a_write_stands_beside_the_last_look_at_its_partition(activity):
    activity.asked("head#a")
    activity.saw("head#a", ONE)
    activity.saw("head#b", ONE)
    activity.saw("head#a", TWO)
    partitions = said(activity, wrote={"head#a": Wrote(3, b"3" * 32, TWO)})["partitions"]
    a, b = mark_hash("head#a"), mark_hash("head#b")
    assert [(one["mark"], one["saw"]["version"], "wrote" in one) for one in partitions] == [
        (a, 1, False),
        (b, 1, False),
        (a, 2, True),
    ]
    assert partitions[2]["wrote"] == {
        "version": 3,
        "digest": "33" * 32,
        "replaced": {"version": 2, "digest": "32" * 32},
    }


def test_a_write_without_a_look_says_what_it_wrote(activity):
    (only,) = said(activity, wrote={"register#acme": Wrote(1, b"1" * 32, None)})["partitions"]
    assert only == {
        "mark": mark_hash("register#acme"),
        "wrote": {"version": 1, "digest": "31" * 32, "replaced": None},
    }


def test_what_is_noted_while_an_entry_is_being_made_is_for_the_next(activity):
    activity.crypto("decrypt", "dek#1")
    activity.saw("head#a", ONE)
    notes = activity.notes.unsaid()
    activity.crypto("decrypt", "dek#1")
    activity.saw("head#a", ONE)
    activity.notes.said(notes)
    left = said(activity)
    assert left["crypto"] == [{"op": "decrypt", "key": "dek#1", "outcome": "success", "n": 1}]
    assert len(left["partitions"]) == 1


def test_what_an_entry_could_not_say_is_said_once_by_the_next(activity):
    activity.saw("head#a", ONE)
    activity.notes.unsaid()
    activity.saw("head#a", ONE)
    assert len(said(activity)["partitions"]) == 1
    assert not any(said(activity).values())


def test_an_attempt_that_does_not_count_leaves_its_looks_and_calls_alone(activity):
    activity.crypto("decrypt", "before")
    with activity.writing():
        activity.crypto("encrypt", "first")
        activity.key_event("make_dek", "first")
        activity.kms_call("r-1")
        activity.saw("head#a", ONE)
        assert activity.notes.attempt == 1
        activity.new_attempt()
        activity.crypto("encrypt", "second")
        assert activity.notes.attempt == 2
        content = said(activity)
    assert [one["key"] for one in content["crypto"]] == ["before", "second"]
    assert content["keys"] == []
    assert content["kms"] == ["r-1"]
    assert len(content["partitions"]) == 1


def test_what_a_write_did_counts_once_it_has_ended_whatever_it_came_to(activity):
    with activity.writing():
        activity.crypto("decrypt", "looked")
    with activity.writing():
        activity.crypto("encrypt", "next")
        activity.new_attempt()
    assert [one["key"] for one in said(activity)["crypto"]] == ["looked"]


def test_a_new_attempt_outside_of_a_write_drops_nothing(activity):
    activity.crypto("decrypt", "dek")
    activity.new_attempt()
    assert activity.notes.attempt == 1
    assert len(said(activity)["crypto"]) == 1


def test_what_another_thread_is_trying_is_for_its_own_entry(activity):
    def work():
        activity.crypto("encrypt", "theirs")
        activity.saw("head#a", ONE)

    with another_thread_writing(activity, work):
        activity.new_attempt()
        activity.crypto("decrypt", "mine")
        content = said(activity)
        assert [one["key"] for one in content["crypto"]] == ["mine"]
        assert len(content["partitions"]) == 1
        assert [one["key"] for one in said(activity)["crypto"]] == []
    assert [one["key"] for one in said(activity)["crypto"]] == ["theirs"]


def test_the_end_of_an_activity_says_what_its_threads_were_trying(activity):
    with another_thread_writing(activity, lambda: activity.crypto("encrypt", "theirs")):
        assert [one["key"] for one in said(activity, every=True)["crypto"]] == ["theirs"]
    assert not any(said(activity).values())


def test_a_write_within_a_write_keeps_its_attempts_apart(activity):
    with activity.writing():
        activity.crypto("decrypt", "outer")
        with activity.writing():
            activity.crypto("encrypt", "dropped")
            activity.new_attempt()
            activity.crypto("encrypt", "inner")
            assert [one["key"] for one in said(activity)["crypto"]] == ["inner"]
            activity.crypto("encrypt", "rest")
        activity.crypto("encrypt", "outer")
        assert activity.notes.attempt == 1
        assert [one["key"] for one in said(activity)["crypto"]] == ["outer", "outer", "rest"]


def test_24_threads_that_note_and_say_at_once_lose_nothing_and_say_nothing_twice(activity):
    barrier, turn, found = threading.Barrier(24), threading.Lock(), []

    def work(number):
        barrier.wait(20)
        for one in range(20):
            activity.saw(f"head#{number}#{one}", ONE)
            activity.crypto("decrypt", "dek")
            with turn:
                found.append(said(activity))

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(work, range(24)))
    marks = [one["mark"] for content in found for one in content["partitions"]]
    assert sorted(marks) == sorted(mark_hash(f"head#{number}#{one}") for number in range(24) for one in range(20))
    assert sum(one["n"] for content in found for one in content["crypto"]) == 480


@pytest.mark.parametrize("name", ["tenant", "principal", "action", "function", "request_id", "trace_id", "span_id"])
def test_a_text_that_would_not_fit_into_an_entry_is_refused_by_name(name):
    more = {"tenant": "acme", "principal": "subject", "action": "read"}
    longest, longer = "x" * 256, "x" * 257
    for text in (longest, longer):
        about = {**more, name: text} if name in more else {**more, "origin": Origin(**{name: text})}
        if text == longest:
            Activity(**about, deadline=0.0, began="t")
            continue
        with pytest.raises(InvalidInput) as caught:
            Activity(**about, deadline=0.0, began="t")
        assert caught.value.field == name


def test_ids_that_others_give_are_cut_to_what_fits_into_an_entry(activity):
    activity.kms_call("r" * 1000)
    activity.crypto("decrypt", "k" * 1000)
    activity.key_event("rotate", "k" * 1000)
    content = said(activity)
    assert [len(content["kms"][0]), len(content["crypto"][0]["key"]), len(content["keys"][0]["key"])] == [256] * 3
