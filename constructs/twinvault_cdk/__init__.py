"""An encrypted record store for anybody's CDK app: `Store` holds keys and tables, `Api` the functions and the HTTP API.

`add_deployment` puts both into stacks of their own, as the stage that the app's context names. All values of a stage
stand in cdk.json (`Stage`), what one deployment says of itself comes with ``-c`` (`Rollout`).
"""

from twinvault_cdk.api import Api
from twinvault_cdk.application import Application
from twinvault_cdk.declarations import (
    DeclarationError,
    FunctionSpec,
    erasure_function,
    keys_function,
    maintenance_function,
    reading_function,
    writing_function,
)
from twinvault_cdk.deployment import add_deployment, synthesize
from twinvault_cdk.names import Names
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Code, Stage, StageError
from twinvault_cdk.store import Store

__all__ = [
    "Api",
    "Application",
    "Code",
    "DeclarationError",
    "FunctionSpec",
    "Names",
    "Rollout",
    "Stage",
    "StageError",
    "Store",
    "add_deployment",
    "erasure_function",
    "keys_function",
    "maintenance_function",
    "reading_function",
    "synthesize",
    "writing_function",
]
