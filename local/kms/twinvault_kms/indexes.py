"""What the catalog looks things up by, at a cost that hardly grows with how many there are."""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

_NEVER = float("inf")
_SPARE = 64


class Names:
    """Names, each once, in their order."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted(set(names))
        self._whole: tuple[str, ...] | None = None

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self._names, name)
        return place < len(self._names) and self._names[place] == name

    def add(self, name: str) -> None:
        """Put a name in its place, unless it stands there."""
        if name not in self:
            insort(self._names, name)
            self._whole = None

    def discard(self, name: str) -> None:
        """Take a name out, if it is in."""
        if name in self:
            del self._names[bisect_left(self._names, name)]
            self._whole = None

    def after(self, name: str = "") -> Iterator[str]:
        """The names behind this one, of which only those are touched that are asked for."""
        for place in range(bisect_right(self._names, name), len(self._names)):
            yield self._names[place]

    def whole(self) -> tuple[str, ...]:
        """All of them; made anew only after a change."""
        if self._whole is None:
            self._whole = tuple(self._names)
        return self._whole


class Schedule:
    """When something is due by itself, and for which key."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def put(self, name: str, due: float) -> None:
        """Something is due then, and no longer when it was before; infinity: nothing is."""
        if self._due.get(name, _NEVER) == due:
            return
        if due == _NEVER:
            self.drop(name)
            return
        self._due[name] = due
        heapq.heappush(self._heap, (due, name))
        if len(self._heap) > 2 * len(self._due) + _SPARE:  # most of it is what was put before
            self._heap = [(each, name) for name, each in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, name: str) -> None:
        """Nothing is due any more."""
        self._due.pop(name, None)

    def next(self) -> float:
        """When the first of all is due; infinity: never."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else _NEVER

    def until(self, now: float) -> list[str]:
        """What is due by now. It stays so until it is put anew."""
        found: dict[str, float] = {}
        while (due := self.next()) <= now:
            found[heapq.heappop(self._heap)[1]] = due
        for name, due in found.items():
            heapq.heappush(self._heap, (due, name))
        return list(found)
