"""uvicorn's HTTP protocol, with one thing added: the application may drop its connection."""

from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "twinvault.abort"


class DroppableProtocol(HttpToolsProtocol):
    """Gives each request the extension `twinvault.abort`: call it, and the caller sees a reset connection."""

    def on_headers_complete(self) -> None:
        """Add the extension before the request's task runs (tasks start in a later turn of the loop)."""
        super().on_headers_complete()
        cast("dict[str, object]", self.scope)["extensions"] = {ABORT: self.transport.abort}
