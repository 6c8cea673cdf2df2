"""Other people's text does nothing to a terminal: it is shown as visible escapes, by whatever command prints it."""

import io
import json
import sys

import pytest
from rich.panel import Panel
from rich.text import Text

from tests.cli.calling import Call
from tests.cli.service import Service
from twinvault_cli import hidden, log_lines, output

CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07"
EVIL = f"a{CLIPBOARD}\x1b[2J\x9b31m\x7f\r\u202eterces\u2066\u2028\ufeff\U000e0041z"
SEEN = r"a\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x7f\r\u202eterces\u2066\u2028\ufeff\U000e0041z"
RAW = [chr(one) for one in (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x202E, 0x2066, 0x2028, 0xFEFF)]
PAGE = {
    "dialogues": [
        {
            "id": EVIL,
            "title": f"{EVIL}\nforged 1",
            "status": "open",
            "state": "complete",
            "updated_at": "2026-11-30T09:00:00Z",
        }
    ],
    "cursor": None,
}
OPENED = {
    "dialogue": {
        "title": EVIL,
        "status": "open",
        "question": EVIL,
        "experts": [{"slug": EVIL, "role": EVIL, "tier": EVIL}],
        "verdicts": [{"id": EVIL, "recommendation": EVIL}],
    },
    "stored": {"version": 1, "records": 1, "created_at": "2026-11-30T09:00:00Z"},
}
TOKEN = ("--token", "t")


def nothing_raw(text: str) -> bool:
    return not [one for one in RAW if one in text]


def test_what_a_terminal_obeys_is_shown_and_what_people_write_is_not_touched() -> None:
    assert hidden.visible(EVIL) == SEEN
    for written in ("Größe 値 👩‍👩‍👧 naïve — “x”", "two\nlines\tand a tab", "می‌خواهم"):
        assert hidden.visible(written) == written
    assert hidden.one_line("a\nb\tc") == r"a\nb\tc"
    assert hidden.visible("half \ud800 a character") == r"half \ud800 a character"


def test_a_list_and_a_dialogue_show_escapes(call: Call, service: Service) -> None:
    service.answers |= {"/dialogues": (200, PAGE), "/dialogues/x": (200, OPENED)}
    listed = call("list", "--url", service.url, *TOKEN)
    assert nothing_raw(listed.out), ascii(listed.out)
    assert SEEN in listed.out
    assert len(listed.out.splitlines()) == 2, "a title forges no line"
    shown = call("show", "x", "--url", service.url, *TOKEN)
    assert nothing_raw(shown.out)
    assert shown.out.count(r"\x1b]52") == 7


def test_json_has_escapes_of_json_and_the_same_content(call: Call, service: Service) -> None:
    service.answers["/dialogues"] = (200, PAGE)
    done = call("list", "--json", "--url", service.url, *TOKEN)
    assert nothing_raw(done.out), ascii(done.out)
    assert json.loads(done.out) == PAGE


def test_an_error_that_repeats_somebodys_text_shows_escapes(call: Call, service: Service) -> None:
    service.answers["/dialogues/x"] = (400, {"detail": f"{EVIL}\nsecond", "others": [{"detail": EVIL}]})
    done = call("show", "x", "--url", service.url, *TOKEN)
    assert (done.code, nothing_raw(done.err)) == (2, True), ascii(done.err)
    assert rf"{SEEN}\nsecond" in done.err


def test_a_log_line_shows_escapes_and_forges_no_other_line() -> None:
    for line in (
        EVIL,
        json.dumps({"message": f"{EVIL}\nx", "level": EVIL, "timestamp": EVIL * 9, "a": EVIL}, ensure_ascii=False),
        json.dumps({"a": [EVIL]}, ensure_ascii=False),
        json.dumps({"_aws": {}, "a": EVIL}, ensure_ascii=False),
        f"REPORT RequestId: r\tDuration: 1 ms\tMax Memory Used: 7 MB\tStatus: {EVIL}",
    ):
        row = log_lines.shown(line)
        assert row is not None
        assert nothing_raw(row.plain), ascii(row.plain)
        assert "\n" not in row.plain


def test_the_consoles_let_nothing_through_that_is_no_string_either(capsys: pytest.CaptureFixture[str]) -> None:
    output.results.print(Text(EVIL))
    output.results.print(Panel("x", title=EVIL))
    output.console.print(EVIL, markup=False)
    said = capsys.readouterr()
    assert nothing_raw(said.out + said.err)
    assert said.err.strip() == SEEN


def test_an_export_in_a_terminal_is_the_same_document_with_escapes(
    call: Call, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # JSON itself escapes C0; what it lets through is C1, bidi and the like.
    document = json.dumps({"title": EVIL}, ensure_ascii=False).encode()
    service.answers["/dialogues/x/export"] = (200, document)
    piped = call("export", "x", "--url", service.url, *TOKEN)
    assert piped.out.encode() == document + b"\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    seen = call("export", "x", "--url", service.url, *TOKEN)
    assert nothing_raw(seen.out)
    assert json.loads(seen.out) == json.loads(document)


def test_ids_are_whole_in_a_pipe_and_in_a_narrow_terminal(
    call: Call, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "an-id-of-a-hundred-and-twenty-eight-characters-" + "x" * 81
    page = {**PAGE, "dialogues": [{**PAGE["dialogues"][0], "id": long, "title": "t" * 60}]}  # type: ignore[dict-item, index]
    service.answers["/dialogues"] = (200, page)
    assert long in call("list", "--url", service.url, *TOKEN).out
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich takes the capture for a terminal
    monkeypatch.setattr(output.results, "_force_terminal", True)
    monkeypatch.setattr(output.results, "_width", 40)
    seen = call("list", "--url", service.url, *TOKEN).out
    assert long in seen
    assert "t" * 60 not in seen, "a title makes room"


def test_a_terminal_without_unicode_gets_escapes_and_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    output.prepare()
    output.results.print("Größe")
    output.print_table(("id",), [("naïve",)])
    with output.ProgressLines().shown() as steps:
        steps("a step…")
    assert written.getvalue().decode().splitlines()[:3] == [r"Gr\xf6\xdfe", "id", r"na\xefve"]
    written.truncate(0)
    written.seek(0)
    output.print_json({"a": "Größe 値"})
    assert json.loads(written.getvalue()) == {"a": "Größe 値"}
