"""The Lambda server's configuration, as the twin keeps it."""

from pathlib import Path

import pytest

from twinvault_local import lambda_server
from twinvault_local.errors import StateError
from twinvault_local.state import StateFolder


@pytest.mark.parametrize("content", [pytest.param("{", id="not JSON"), pytest.param("{}", id="of another version")])
def test_a_damaged_file_is_the_state_folders_fault(tmp_path: Path, content: str) -> None:
    state = StateFolder(tmp_path)
    state.server.write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match="server configuration"):
        lambda_server.read(state)
