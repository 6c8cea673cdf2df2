"""The configuration of the twin's Lambda server: `server.json` in the state folder, written and read here alone."""

import twinvault_durable as durable
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import ServerConfigError
from twinvault_local.errors import StateError
from twinvault_local.state import StateFolder


def write(state: StateFolder, config: ServerConfig) -> None:
    """Write the configuration; a server that runs reads it at SIGHUP."""
    durable.write(state.server, config.to_json().encode())


def read(state: StateFolder) -> ServerConfig:
    """The configuration as it was written last.

    Raises:
        StateError: the file is not what twinvault wrote, or another version of it did.
    """
    try:
        return ServerConfig.from_json(state.server.read_text(encoding="utf-8"))
    except ServerConfigError as error:
        raise StateError(error.message, next_step=error.next_step) from None
