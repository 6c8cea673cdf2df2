"""The templates of stage prod, as the stacks' own tests synthesize them, for what compares a deployment with them; the
command called within a test, and a service that answers it."""

from tests.cli.calling import call
from tests.cli.service import service
from tests.stacks.conftest import artifact, prod, shared_folder, synthesize, synthesized

__all__ = ["artifact", "call", "prod", "service", "shared_folder", "synthesize", "synthesized"]
