"""The ledger: who asked what of which resource, with which facts, and what was said. One JSON line for each new thing.

{"caller": "NAME", "principal": "arn:aws:iam::000000000000:role/NAME", "action": "dynamodb:PartiQLInsert",
 "resource": "arn:…:table/NAME", "facts": {"dynamodb:leadingkeys": ["…"]}, "verdict": "allow", "by": "identity"}

It holds what is needed to ask other policies the same question: `facts` are the condition keys of the request, by their
lower-case names, but those that the principal's own ARN says. It is no log: a call that tells nothing new is not
written again. Of calls that differ in values alone (keys of items, ids of keys) those are written that bring one of the
first 32 values of some fact, so that a file ends growing.

Values of condition keys stand in it, as they do in CloudTrail: partition keys and encryption contexts. It belongs into
a folder that its owner alone may read.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from twinvault_serving.exchange import ServingError

LOG = logging.getLogger("twinvault.ledger")

ALLOW, DENY = "allow", "deny"
MOST_VALUES = 32
"""Of one fact, among calls that are alike in everything but values."""

type CallFacts = Mapping[str, tuple[str, ...]]


class BadLedgerError(ServingError):
    """A file that is no ledger, or cannot be written; the message names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One call. `by` is what decided: identity, resource or key (a kind of policy), grant, root, or gate.

    `caller` is what the caller is called here; `principal` is its ARN, of an AWS service its name.
    """

    caller: str
    principal: str
    action: str
    resource: str
    facts: CallFacts = field(default_factory=dict, repr=False)
    verdict: str
    by: str

    def said(self, verdict: str) -> Self:
        """The same call with this verdict."""
        return replace(self, verdict=verdict)

    def line(self) -> str:
        """As it stands in the file."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)


class CallLedger:
    """Writes down what is new. Without a path it writes nothing down."""

    def __init__(self, path: Path | None) -> None:
        """Goes on with what stands in the file already.

        Raises:
            BadLedgerError: the file is none of ours, or cannot be opened.
        """
        self._path = path
        self._values: dict[tuple[object, ...], dict[str, set[tuple[str, ...]]]] = {}
        self._file: int | None = None
        if path is None:
            return
        for call in recorded(path):
            self._is_new(call)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            os.ftruncate(self._file, _whole_lines(path))
        except OSError as error:
            raise BadLedgerError(f"The ledger {path} cannot be written: {error.strerror}.") from None

    def note(self, call: RecordedCall) -> None:
        """Write a call down if it says something new. A disk that is full stops no request: it is said once."""
        if self._file is None or not self._is_new(call):
            return
        line = f"{call.line()}\n".encode()
        try:
            whole, why = os.write(self._file, line) == len(line), "the disk is full"
        except OSError as error:
            whole, why = False, str(error.strerror)
        if not whole:  # nothing may follow a line that is broken off: it would be one with it
            LOG.warning("the ledger %s is not written any more: %s", self._path, why)
            self.close()

    def close(self) -> None:
        """Write nothing any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_new(self, call: RecordedCall) -> bool:
        alike = (call.principal, call.action, call.resource, call.verdict, call.by, *sorted(call.facts))
        if alike not in self._values:
            self._values[alike] = {name: {values} for name, values in call.facts.items()}
            return True
        new = False
        for name, known in self._values[alike].items():
            if len(known) < MOST_VALUES and call.facts[name] not in known:
                known.add(call.facts[name])
                new = True
        return new


def recorded(path: Path) -> Iterator[RecordedCall]:
    """The calls of a file, in order; none of a file that there is not. A line that a crash broke off is left out.

    Raises:
        BadLedgerError: the file is none of ours, or cannot be read.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise BadLedgerError(f"The ledger {path} cannot be read.") from None
    *lines, _broken_off = text.split("\n")
    for number, line in enumerate(lines, 1):
        try:
            yield _call(json.loads(line))
        except (ValueError, TypeError, AttributeError, KeyError):
            raise BadLedgerError(f"The ledger {path} holds something else in line {number}.") from None


def _call(document: dict[str, object]) -> RecordedCall:
    facts = document.pop("facts")
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in document.values()):
        raise TypeError
    by_name = {str(name): tuple(str(value) for value in values) for name, values in facts.items()}
    return RecordedCall(facts=by_name, **{name: str(value) for name, value in document.items()})


def _whole_lines(path: Path) -> int:
    """How long the file is up to its last whole line."""
    return path.read_bytes().rfind(b"\n") + 1
