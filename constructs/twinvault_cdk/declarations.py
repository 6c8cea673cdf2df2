"""What an application declares: its functions, what each serves, and what each may do. All else follows from it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# A TransactGetItems is allowed as the GetItems that it consists of.
_KEYS = ("Query", "GetItem")
_READ = (*_KEYS, "BatchGetItem")
_MARKS = ("Query",)
_INSERT = ("PartiQLInsert",)
_CHANGES = ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")
_SCHEDULED_MINUTES = 5
_DAY = 24 * 60  # minutes
_KEY_WORKS = ("/keys/rewrap", "/keys/rewrap/{id}", "/keys/finalize", "/keys/finalize/{id}")
_PURPOSES = frozenset({"kek", "register"})
_TABLES = frozenset({"records", "keys", "marks", "audit"})
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_RESERVED = ("TWINVAULT_", "AWS_", "LAMBDA_")

type Routes = Sequence[tuple[str, str]]  # (method, path)


class DeclarationError(ValueError):
    """What an application declares contradicts itself or AWS; the message names the function and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One function. ``tables`` and ``indexes`` say which DynamoDB actions it may do where, and it may do no other.

    What it may do with the KMS keys is said by the keys' policies, which name its role. Most applications want
    `reading_function` and `writing_function`, and the three functions that every store needs.

    Raises:
        DeclarationError: a value is wrong; the message names it and the rule.
    """

    name: str  # 1 to 12 characters of a-z and 0-9, from a letter on
    handler: str  # package.module.name, below functions/ or in a wheel
    routes: tuple[tuple[str, str], ...]  # (method, path)
    tables: Mapping[str, tuple[str, ...]]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    backup: tuple[str, ...] = ()  # what it may do with a records table that was restored from a backup
    makes_keys: tuple[str, ...] = ()  # purposes for which it may ask KMS for a new data key
    rewraps_keys: bool = False  # whether it may have KMS wrap keys under another root key
    signs_receipts: bool = False  # whether it may sign with the audit key
    every_minutes: int | None = None  # how often a schedule calls it
    environment: Mapping[str, str] = field(default_factory=dict)  # variables of its own, beside the store's

    def __post_init__(self) -> None:
        short = _NAME.fullmatch(self.name) is not None
        self._require("name", "1 to 12 characters of a-z and 0-9, a letter first", holds=short)
        dotted = all(part.isidentifier() for part in self.handler.split(".")) and "." in self.handler
        self._require("handler", "package.module.name", holds=dotted)
        known = all(method in _METHODS and path.startswith("/") for method, path in self.routes)
        self._require("routes", f"pairs of one of {', '.join(sorted(_METHODS))} and a path from '/' on", holds=known)
        for where in ("tables", "indexes"):
            rule = f"by table: {', '.join(sorted(_TABLES))}"
            self._require(where, rule, holds=set(getattr(self, where)) <= _TABLES)
        rule = f"some of {', '.join(sorted(_PURPOSES))}"
        self._require("makes_keys", rule, holds=set(self.makes_keys) <= _PURPOSES)
        minutes = self.every_minutes
        self._require("every_minutes", "from 1 to 1440, or None", holds=minutes is None or 1 <= minutes <= _DAY)
        own = all(_VARIABLE.fullmatch(one) and not one.startswith(_RESERVED) for one in self.environment)
        rule = f"by names of A-Z, 0-9 and '_' that do not begin with {', '.join(_RESERVED)}"
        self._require("environment", rule, holds=own)

    def _require(self, name: str, rule: str, *, holds: bool) -> None:
        if not holds:
            raise DeclarationError(f"function {self.name!r}: {name} must be {rule}.")


def reading_function(
    name: str, handler: str, routes: Routes, *, environment: Mapping[str, str] | None = None
) -> FunctionSpec:
    """A function that opens records, lists and finds them, and changes nothing but the audit log."""
    return FunctionSpec(
        name=name,
        handler=handler,
        routes=tuple(routes),
        tables={"records": _READ, "keys": _KEYS, "marks": _MARKS, "audit": _INSERT},
        indexes={"records": ("Query",)},
        environment=environment or {},
    )


def writing_function(
    name: str, handler: str, routes: Routes, *, finds: bool = True, environment: Mapping[str, str] | None = None
) -> FunctionSpec:
    """A function that adds, changes and deletes records, makes the keys of new partitions and tenants, and reads.

    ``finds``: whether it also reads the indexes, to list or find records.
    """
    return FunctionSpec(
        name=name,
        handler=handler,
        routes=tuple(routes),
        tables={
            "records": (*_CHANGES, *_READ),
            "keys": (*_INSERT, *_KEYS),
            "marks": (*_INSERT, *_MARKS),
            "audit": _INSERT,
        },
        indexes={"records": ("Query",)} if finds else {},
        makes_keys=("kek", "register"),
        environment=environment or {},
    )


def keys_function(handler: str, *, name: str = "keys") -> FunctionSpec:
    """The function that says what keys there are, and rotates, revokes, rewraps and destroys them."""
    return FunctionSpec(
        name=name,
        handler=handler,
        routes=(
            ("GET", "/keys"),
            ("GET", "/keys/status"),
            *(("POST", f"/keys/{move}") for move in ("rotate", "retire", "revoke", "reinstate", "destroy")),
            *((method, path) for path in _KEY_WORKS for method in ("GET", "POST")),
            ("POST", "/keys/rewrap-root"),
        ),
        tables={
            # A new DEK changes the head of its partition and no other record, and reads no other by its key.
            "records": ("PartiQLUpdate", *_KEYS),
            # A new epoch replaces the register and the index key's row; a rewrapping replaces the rows of DEKs. Its
            # works begin and change. An epoch that wraps nothing is deleted: nobody else may delete a key.
            "keys": (*_CHANGES, *_KEYS),
            "marks": (*_INSERT, *_MARKS),
            "audit": _INSERT,
        },
        makes_keys=("kek",),
        rewraps_keys=True,
        every_minutes=_SCHEDULED_MINUTES,
    )


def maintenance_function(handler: str, *, name: str = "maintain") -> FunctionSpec:
    """The function for long work: re-encryption, new indexes, inspections, and mending from a backup."""
    return FunctionSpec(
        name=name,
        handler=handler,
        routes=(
            ("GET", "/maintenance"),
            ("POST", "/maintenance"),
            ("GET", "/maintenance/{id}"),
            ("POST", "/maintenance/{id}"),
            ("POST", "/recovery/accept"),
            ("POST", "/recovery/restore"),
        ),
        tables={
            # It writes again what is there. A partition that is mended loses what does not open, and gets back what a
            # backup has.
            "records": (*_CHANGES, *_READ),
            # Works begin and change. Nothing here can delete a key.
            "keys": ("PartiQLInsert", "PartiQLUpdate", *_KEYS),
            "marks": (*_INSERT, *_MARKS),
            "audit": _INSERT,
        },
        # What an index shows is compared with what the records carry.
        indexes={"records": ("Query",)},
        backup=("Query",),
        every_minutes=_SCHEDULED_MINUTES,
    )


def erasure_function(handler: str, *, name: str = "erase") -> FunctionSpec:
    """The function that erases, keeps what must not be, and signs receipts."""
    return FunctionSpec(
        name=name,
        handler=handler,
        routes=(
            *((method, path) for path in ("/erasures", "/erasures/{id}") for method in ("GET", "POST")),
            ("POST", "/erasures/{id}/cancel"),
            ("POST", "/erasures/{id}/final"),
            ("GET", "/erasures/{id}/receipt"),
            ("GET", "/holds"),
            ("POST", "/holds"),
            ("POST", "/holds/lift"),
        ),
        tables={
            # It deletes heads, and what is left of a partition that was erased. It writes no record.
            "records": ("PartiQLDelete", *_KEYS),
            # Requests and holds are made and change, a tombstone may take the place of another; keys are deleted.
            "keys": (*_CHANGES, *_KEYS),
            "marks": (*_INSERT, *_MARKS),
            "audit": _INSERT,
        },
        signs_receipts=True,
        every_minutes=_SCHEDULED_MINUTES,
    )
