"""Docker's engine, as much of its API as a worker needs. Source: Docker Engine API, "Containers".

It is asked by its socket, without a version in the path: engines of today refuse versions that older ones want.
"""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

_ANSWER_SECONDS = 60.0
_HEADER = 8  # of a frame of the log: stream, three bytes of nothing, length
_MB = 1024 * 1024


class EngineRefusedError(Exception):
    """The engine did not do what it was asked; the message is its own."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended."""

    status: int  # of its process; 128 and a signal's number where that ended it
    out_of_memory: bool


class DockerEngine:
    """One client of the engine. To be used as a context manager, by one event loop."""

    def __init__(self, socket: Path) -> None:
        # A context that is never used: making the default one reads a hundred certificates.
        unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=unused),
            base_url="http://docker",
            timeout=httpx.Timeout(_ANSWER_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def create(self, settings: Mapping[str, Any], *, platform: str) -> str:
        """Make a container of the platform, such as ``linux/arm64``; its id."""
        answer = await self._ask("POST", "/containers/create", params={"platform": platform}, json=dict(settings))
        return str(answer.json()["Id"])

    async def start(self, container: str) -> None:
        """Start it."""
        await self._ask("POST", f"/containers/{container}/start")

    async def pause(self, container: str) -> None:
        """Halt all of its processes where they stand."""
        await self._ask("POST", f"/containers/{container}/pause")

    async def unpause(self, container: str) -> None:
        """Let them go on."""
        await self._ask("POST", f"/containers/{container}/unpause")

    async def kill(self, container: str) -> None:
        """End it at once."""
        await self._ask("POST", f"/containers/{container}/kill")

    async def remove(self, container: str) -> None:
        """End it, if need be, and leave nothing of it."""
        await self._ask("DELETE", f"/containers/{container}", params={"force": "true", "v": "true"})

    async def memory_mb(self, container: str) -> int:
        """What it has in memory, without what the kernel would give up first, as `docker stats` counts."""
        answer = await self._ask(
            "GET", f"/containers/{container}/stats", params={"stream": "false", "one-shot": "true"}
        )
        told = answer.json().get("memory_stats") or {}
        details = told.get("stats") or {}
        spare = details.get("inactive_file", details.get("total_inactive_file", 0))
        return int(max(told.get("usage", 0) - spare, 0)) // _MB

    async def ended(self, container: str) -> Ended:
        """Wait until it has ended."""
        status = (await self._ask("POST", f"/containers/{container}/wait", timeout=None)).json()["StatusCode"]
        state = (await self._ask("GET", f"/containers/{container}/json")).json()["State"]
        return Ended(status=int(status), out_of_memory=bool(state.get("OOMKilled")))

    async def output(self, container: str) -> AsyncIterator[bytes]:
        """What it writes, from its start to its end, whole lines at a time."""
        asked = {"follow": "true", "stdout": "true", "stderr": "true"}
        path = f"/containers/{container}/logs"
        async with self._client.stream("GET", path, params=asked, timeout=None) as answer:
            if answer.is_error:
                await answer.aread()
                raise EngineRefusedError(_words(answer))
            partial: dict[int, bytes] = {}
            async for stream, data in _frames(answer.aiter_raw()):
                lines, newline, partial[stream] = (partial.get(stream, b"") + data).rpartition(b"\n")
                if newline:
                    yield lines + newline
            for rest in filter(None, partial.values()):
                yield rest + b"\n"

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
        answer = await self._client.request(method, path, **options)
        if answer.is_error:
            raise EngineRefusedError(_words(answer))
        return answer


async def _frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Each frame of a log: which stream it is of, and what was written there."""
    held = b""
    async for chunk in chunks:
        held += chunk
        while len(held) >= _HEADER and len(held) >= (end := _HEADER + int.from_bytes(held[4:_HEADER])):
            yield held[0], held[_HEADER:end]
            held = held[end:]


def _words(answer: httpx.Response) -> str:
    try:
        return str(json.loads(answer.content)["message"])
    except (ValueError, KeyError, TypeError):
        return f"Docker's engine answered {answer.status_code}."
