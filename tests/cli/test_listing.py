"""What `twinvault list` shows of a page."""

import pytest

from twinvault_cli import dialogues


def test_what_is_refused_is_shown_also_where_nobody_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    refused = [{"partition": "abc", "problem": "key-refused"}, {"partition": None, "problem": "integrity"}]
    dialogues._print_page({"dialogues": [], "cursor": None, "refused": refused})
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines if "refused" in line] == [
        "refused: abc (key-refused)",
        "refused: a row that is no dialogue of this tenant (integrity)",
    ]
