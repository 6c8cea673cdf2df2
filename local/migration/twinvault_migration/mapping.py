"""The mapping file, TOML or JSON: the store, the source, and the rules by which items become records."""

import hashlib
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinvault import HEAD, Kind, KindSpec
from twinvault_migration.attributes import Plain, WireItem
from twinvault_migration.errors import ItemRefused, MappingError
from twinvault_migration.rules import CONVERSIONS, FieldRule, Rule, TextForm, record_type
from twinvault_migration.target import Migrated

_STORE = {"name", "records", "keys", "marks", "audit", "root_keys"}
_SOURCE = {"table", "export", "open", "region", "profile"}
_RECORD = {"kind", "entity", "tenant", "partition", "hidden", "sk", "when", "fields", "ignore"}
_TOP = {"store", "source", "kinds", "record", "skip", "function"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, read.

    Attributes:
        store: the values of `[store]`.
        source: the values of `[source]`.
        digest: SHA-256 of the file, hex: which mapping a migration was begun with.
        folder: where the file lies; paths in it are from there.
        opener: what opens an item of the source first, if the mapping names it.
    """

    store: MappingOf[str, Any]
    source: MappingOf[str, Any]
    digest: str
    folder: Path
    rules: tuple[Rule, ...] = ()
    skips: tuple[MappingOf[str, re.Pattern[str]], ...] = ()
    function: Callable[[Plain], Iterable[Migrated]] | None = field(default=None, repr=False)
    opener: Callable[[WireItem], WireItem] | None = field(default=None, repr=False)

    def targets(self, item: Plain) -> list[Migrated]:
        """The records that an item becomes: one of the first rule that takes it, or what the function says; none: skip.

        Raises:
            ItemRefused: no rule takes it, or the rule's record cannot be made of it.
        """
        if self.function is not None:
            return list(self.function(item))
        for skip in self.skips:
            if all(isinstance(item.get(name), str) and skip[name].fullmatch(item[name]) for name in skip):
                return []
        for rule in self.rules:
            values = rule.taken(item)
            if values is not None:
                return [rule.target(item, values)]
        raise ItemRefused("no rule of the mapping takes it")


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file. Modules that it names are looked for beside it first.

    Raises:
        MappingError: it cannot be read, or says what cannot be; the place in it is named.
    """
    try:
        content = path.read_bytes()
        told = json.loads(content) if path.suffix == ".json" else tomllib.loads(content.decode())
    except OSError as error:
        raise MappingError(f"{path.name}: cannot be read: {error.strerror}") from None
    except ValueError:  # TOML's, JSON's and UTF-8's
        raise MappingError(f"{path.name}: is neither TOML nor, as .json, JSON") from None
    folder = path.absolute().parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    top = _table(told, "the file", known=_TOP)
    kinds = _kinds(top.get("kinds", []))
    source = _table(top.get("source"), "source", known=_SOURCE)
    if ("table" in source) == ("export" in source):
        raise MappingError("source: must have either table or export")
    if ("function" in top) == ("record" in top):
        raise MappingError("the file must have either [[record]] rules or a function")
    return Mapping(
        store=_store(top.get("store")),
        source=source,
        digest=hashlib.sha256(content).hexdigest(),
        folder=folder,
        rules=tuple(_rule(one, f"record {at}", kinds=kinds) for at, one in enumerate(_list(top, "record"), 1)),
        skips=tuple(_patterns(one.get("when"), f"skip {at}") for at, one in enumerate(_list(top, "skip"), 1)),
        function=named(top["function"], "function") if "function" in top else None,
        opener=named(source["open"], "source.open") if "open" in source else None,
    )


def named(text: object, field: str) -> Any:  # noqa: ANN401  # whatever a module holds
    """What `module:name` names.

    Raises:
        MappingError: there is no such thing.
    """
    module, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not (module and colon and name):
        raise MappingError(f"{field}: must be module:name")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise MappingError(f"{field}: module {module} cannot be imported ({type(error).__name__})") from None
    except AttributeError:
        raise MappingError(f"{field}: module {module} has no {name}") from None


def _table(told: object, at: str, *, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise MappingError(f"{at}: must be a table")
    if unknown := sorted(told.keys() - set(known)):
        raise MappingError(f"{at}: {unknown[0]}: is none of {', '.join(sorted(known))}")
    return told


def _list(top: MappingOf[str, Any], name: str) -> list[dict[str, Any]]:
    found = top.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MappingError(f"{name}: must be given as [[{name}]]")
    return found


def _store(told: object) -> dict[str, Any]:
    store = _table(told, "store", known=_STORE)
    if missing := sorted(_STORE - store.keys()):
        raise MappingError(f"store: {missing[0]}: is absent")
    return store


def _kinds(told: object) -> dict[str, Kind | KindSpec]:
    names = told if isinstance(told, list) else [told]
    found = [named(one, "kinds") for one in names]
    if odd := [name for name, one in zip(names, found, strict=True) if not isinstance(one, Kind | KindSpec)]:
        raise MappingError(f"kinds: {odd[0]}: is no Kind or KindSpec")
    return {one.name if isinstance(one, Kind) else one.kind: one for one in found}


def _rule(told: dict[str, Any], at: str, *, kinds: MappingOf[str, Kind | KindSpec]) -> Rule:
    rule = _table(told, at, known=_RECORD)
    kind, entity = kinds.get(str(rule.get("kind"))), rule.get("entity")
    if kind is None:
        raise MappingError(f"{at}: kind: is none of the kinds that the mapping names")
    if not isinstance(entity, str) or not _has(kind, entity):
        raise MappingError(f"{at}: entity: the kind has no such entity")
    if ("partition" in rule) == ("hidden" in rule):
        raise MappingError(f"{at}: must have either partition or hidden")
    of_drafts = isinstance(kind, KindSpec) and entity != HEAD
    if of_drafts != ("sk" in rule):
        more = "the entity of a KindSpec needs one" if of_drafts else "is made of the record's fields"
        raise MappingError(f"{at}: sk: {more}")
    hidden = "hidden" in rule
    fields = _table(rule.get("fields", {}), f"{at}: fields", known=rule.get("fields", {}))
    ignore = rule.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(one, str) for one in ignore):
        raise MappingError(f"{at}: ignore: must be a list of attributes")
    return Rule(
        kind=kind,
        entity=entity,
        tenant=_template(rule.get("tenant"), f"{at}: tenant"),
        partition=_template(rule["hidden" if hidden else "partition"], f"{at}: partition"),
        hidden=hidden,
        sk=_template(rule["sk"], f"{at}: sk") if of_drafts else None,
        when=_patterns(rule.get("when", {}), at),
        fields={name: _field(one, f"{at}: fields.{name}") for name, one in fields.items()},
        ignore=frozenset(ignore),
    )


def _has(kind: Kind | KindSpec, entity: str) -> bool:
    if isinstance(kind, Kind):
        return record_type(kind, entity) is not None
    return entity == HEAD or kind.entity(entity) is not None


def _template(told: object, at: str) -> TextForm:
    if not isinstance(told, str) or not told:
        raise MappingError(f"{at}: must be a text, with attributes in braces such as {{org}}")
    try:
        return TextForm(told)
    except MappingError as error:
        raise MappingError(f"{at}: {error}") from None


def _patterns(told: object, at: str) -> dict[str, re.Pattern[str]]:
    if not isinstance(told, dict):
        raise MappingError(f"{at}: when: must be a table of attributes and patterns")
    try:
        return {name: re.compile(pattern) for name, pattern in told.items()}
    except (re.error, TypeError):
        raise MappingError(f"{at}: when: holds what is no pattern") from None


def _field(told: object, at: str) -> FieldRule:
    if isinstance(told, str):
        return FieldRule(told)
    rule = _table(told, at, known={"from", "as", "default", "value"})
    if ("from" in rule) == ("value" in rule):
        raise MappingError(f"{at}: must have either from or value")
    if "value" in rule:
        return FieldRule("", default=rule["value"])
    if rule.get("as", "text") not in CONVERSIONS:
        raise MappingError(f"{at}: as: is none of {', '.join(sorted(CONVERSIONS))}")
    absent = {"default": rule["default"]} if "default" in rule else {}
    return FieldRule(rule["from"], rule.get("as", ""), **absent)
