"""The keys of tables, asked of the engine when a request first names them.

Whatever changes tables comes through the gate, which then forgets all of them. A table that there is not is asked for
again each time.
"""

import asyncio
import json
from collections.abc import Iterable

from twinvault_gate.engine import LocalEngine
from twinvault_gate.errors import DynamoDbError
from twinvault_gate.keys import TableKeys, described_keys
from twinvault_gate.operations import TABLES_API

_DESCRIBE = f"{TABLES_API}.DescribeTable"
_OK = 200


class TableDescriptions:
    """What the engine said of its tables."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, str], TableKeys] = {}
        self._changes = 0

    def forget(self) -> None:
        """Ask anew for every table."""
        self._changes += 1
        self._known.clear()

    async def keys(self, names: Iterable[str], *, region: str) -> dict[str, TableKeys]:
        """The keys of those of these tables that there are, by the names that were given.

        Raises:
            DynamoDbError: the engine gives no answer.
        """
        wanted = list(names)
        missing = [name for name in wanted if (region, name) not in self._known]
        found = {name: self._known[region, name] for name in wanted if name not in missing}
        if not missing:
            return found
        asked = await asyncio.gather(*(self._ask(name, region) for name in missing))
        found |= {name: keys for name, keys in zip(missing, asked, strict=True) if keys is not None}
        return found

    async def _ask(self, name: str, region: str) -> TableKeys | None:
        before = self._changes
        body = json.dumps({"TableName": name}).encode()
        response = await self._engine.send(_DESCRIBE, body, region=region)
        if response.status >= 500:  # noqa: PLR2004  # the engine's own fault: what is not known must not be allowed
            raise DynamoDbError("InternalServerError", "DynamoDB Local does not describe a table.", status=500)
        if response.status != _OK:
            return None
        keys = described_keys(json.loads(response.body)["Table"])
        if before == self._changes:
            self._known[region, name] = keys
        return keys
