"""One KMS process for the whole folder, with three callers: the account, and the roles of a writer and a reader."""

from collections.abc import Iterator

import pytest

from tests.kms.running import ACCOUNT, ROOT, RunningKms, start

CALLERS = {
    "ROOT": ROOT,
    "WRITER": f"arn:aws:iam::{ACCOUNT}:role/twinvault-dev-import",
    "READER": f"arn:aws:iam::{ACCOUNT}:role/twinvault-dev-read",
    "OTHER": "arn:aws:iam::111122223333:root",
}


@pytest.fixture(scope="session")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKms]:
    running = start(tmp_path_factory.mktemp("kms"), callers={**CALLERS, "OWN": {"arn": ROOT, "secret": "its own"}})
    yield running
    running.stop()
