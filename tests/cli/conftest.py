"""The templates of stage prod, as the stacks' own tests synthesize them, for what compares a deployment with them."""

from tests.stacks.conftest import artifact, assembly, prod, shared_folder, synthesize

__all__ = ["artifact", "assembly", "prod", "shared_folder", "synthesize"]
