"""What requests reach is the artifact that was deployed.

AWS Lambda API Reference, "FunctionConfiguration", CodeSha256.
"""

import pytest

from tests.parity.target import Target
from tests.parity.templates import functions

pytestmark = pytest.mark.xdist_group("parity")


def test_every_version_that_requests_reach_runs_the_artifact(target: Target) -> None:
    assert {name.partition(":")[0] for name in target.served} == {
        f"twinvault-{target.stage}-{function}" for function in functions(target)
    }
    assert set(target.served.values()) == {target.artifact}
