"""Blind indexes: sealed fields that can be found by their exact value (docs/format.md, "Blind indexes"). Pure.

An attribute `bi_1`, `bi_2` or `bi_3` holds, in the clear, an HMAC of a sealed field's normalized value, under a sub-key
of the tenant's index key that is of this kind, entity and field alone. Whoever reads the table sees which values are
equal, and not what they are. It is clear, so the record's seal covers it.
"""

import base64
import hmac
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twinvault.envelope.aad import ATTRIBUTE_NAME
from twinvault.envelope.numbers import MAX_DIGITS, canonical_number
from twinvault.envelope.subkeys import blind_key
from twinvault.errors import InvalidInput

SLOTS = range(1, 4)
CHARACTER_BITS = 5
MAX_BITS = 255
BLIND_ATTRIBUTES = tuple(f"bi_{slot}" for slot in SLOTS)
_OWN_WORDS = frozenset({"limit", "cursor"})
# The type bytes of docs/format.md, "AAD": the text 1, the number 1 and true have three values.
_TEXT, _NUMBER, _FLAG = b"\x01", b"\x02", b"\x03"


def as_it_is(text: str) -> str:
    """The text itself: what differs in a single character is another value."""
    return text


def casefold_nfc(text: str) -> str:
    """Text in which neither case nor the way that an accent is written makes a difference, as Unicode defines it.

    `Ada@Example.com` and `ada@example.com` are one value. Spaces and look-alikes are left as they are. (Unicode 3.13,
    D145; the characters that Unicode has now it will fold alike for ever.)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """How a sealed field can be found: `EntitySpec(..., searchable={"email": Blind(slot=1)})`.

    Attributes:
        slot: 1, 2 or 3: the attribute `bi_{slot}`. Its own within the entity; entities of one kind may share it.
        normalize: makes one text of all that shall be found as one. It must give the same text for the same text, now
            and in every later release; of its own output it need not. Where it changes, `reindex`.
        bits: how much of the HMAC is stored: a multiple of 5, from 5 to 255. Fewer bits let other values look equal.
        name: what the field is called in the key's derivation, if not as it is called now: a field that is renamed
            keeps the name that it had, and stays found.
    """

    slot: int
    normalize: Callable[[str], str] = as_it_is
    bits: int = MAX_BITS
    name: str = ""

    def __post_init__(self) -> None:
        """Refuses what no index could be made of."""
        if type(self.slot) is not int or self.slot not in SLOTS:
            raise InvalidInput("slot: must be 1, 2 or 3", field="slot")
        if type(self.bits) is not int or self.bits not in range(CHARACTER_BITS, MAX_BITS + 1, CHARACTER_BITS):
            raise InvalidInput(f"bits: must be a multiple of 5 from 5 to {MAX_BITS}", field="bits")
        if not callable(self.normalize):
            raise InvalidInput("normalize: must be a function of a text to a text", field="normalize")
        if self.name and not ATTRIBUTE_NAME.fullmatch(self.name):
            raise InvalidInput("name: must be of the form [a-z][a-z0-9_]{0,63}", field="name")

    @property
    def attribute(self) -> str:
        """The attribute that holds it."""
        return f"bi_{self.slot}"

    @property
    def index(self) -> str:
        """The index of the records table that has this attribute for a key."""
        return f"ByBlind{self.slot}"


type Searchable = Mapping[str, Blind]
"""The searchable fields of an entity, by name."""


def require_searchable(entity: str, searchable: Searchable, *, sealed: frozenset[str]) -> None:
    """Lets an entity's searchable fields pass.

    Raises:
        InvalidInput: one is not sealed, or has a name that `find` cannot be asked by, or two have one slot or one name
            in the derivation.
    """
    for name in searchable:
        if name not in sealed:
            raise InvalidInput(f"entity {entity}: '{name}' is searchable, so it must be sealed", field=name)
        if name in _OWN_WORDS:
            raise InvalidInput(f"entity {entity}: '{name}' is a word of `find`; call a searchable field otherwise")
    for of, values in (
        ("slot", {name: blind.slot for name, blind in searchable.items()}),
        ("name", {name: blind.name or name for name, blind in searchable.items()}),
    ):
        first = dict[object, str]()
        for name, value in values.items():
            if (other := first.setdefault(value, name)) != name:
                rule = f"'{other}' and '{name}' both have the {of} {value}: give one of them another"
                raise InvalidInput(f"entity {entity}: {rule}", field=of)


@dataclass(frozen=True, slots=True)
class Blinder:
    """Makes the blind indexes of one tenant's records of one kind, under one generation of sub-keys.

    Attributes:
        index_key: the tenant's index key, 32 bytes.
        generation: of the tenant's blind indexes, as its register says.
        kind: the kind of partition.
    """

    index_key: bytes = field(repr=False)
    generation: int
    kind: str
    _keys: dict[tuple[str, str], bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def attributes(self, entity: str, searchable: Searchable, *, fields: Mapping[str, Any]) -> dict[str, str]:
        """The blind indexes of a record of these fields, by attribute; none where a field is absent or None.

        Raises:
            InvalidInput: a value is none that can be found, or its normalizer refuses it; entity and field are named.
        """
        return {
            blind.attribute: self.value(entity, name, blind=blind, encoded=encoded)
            for name, blind, encoded in _present(entity, searchable, fields=fields)
        }

    def value(self, entity: str, name: str, *, blind: Blind, encoded: bytes) -> str:
        """The blind index of one value, encoded by `encode_value`, of the entity's field `name`."""
        stable = blind.name or name
        key = self._keys.get((entity, stable))
        if key is None:
            key = blind_key(self.index_key, generation=self.generation, kind=self.kind, entity=entity, field=stable)
            self._keys[entity, stable] = key
        digest = hmac.digest(key, encoded, "sha256")
        return base64.b32encode(digest).decode()[: blind.bits // CHARACTER_BITS].lower()

    def before(self) -> "Blinder | None":
        """The same under the generation before; None where there was none."""
        return replace(self, generation=self.generation - 1) if self.generation > 1 else None


def placeholders(entity: str, searchable: Searchable, *, fields: Mapping[str, Any]) -> dict[str, str]:
    """Texts as long as a record's blind indexes, by attribute: to know its size without a key.

    Raises:
        InvalidInput: as for `Blinder.attributes`.
    """
    return {
        blind.attribute: "a" * (blind.bits // CHARACTER_BITS)
        for _, blind, _ in _present(entity, searchable, fields=fields)
    }


def encode_value(value: object, blind: Blind, *, entity: str, name: str) -> bytes:
    """What is blinded of a value: its type byte and its bytes. Two values are the same if and only if these are.

    Raises:
        InvalidInput: it is neither text, a whole number, true nor false, or its normalizer refuses it.
    """
    match value:
        case str():
            return _TEXT + _normalized(value, blind, entity=entity, name=name)
        case bool():
            return _FLAG + bytes([value])
        case int() if abs(value) < 10**MAX_DIGITS:
            return _NUMBER + canonical_number(str(value)).encode()
        case _:
            problem = f"only text, whole numbers of at most {MAX_DIGITS} digits, true and false can be searched by"
            raise InvalidInput(f"{entity}.{name}: {problem}", field=name)


def _present(entity: str, searchable: Searchable, *, fields: Mapping[str, Any]) -> Iterator[tuple[str, Blind, bytes]]:
    for name, blind in searchable.items():
        value = fields.get(name)
        if value is not None:
            yield name, blind, encode_value(value, blind, entity=entity, name=name)


def _normalized(text: str, blind: Blind, *, entity: str, name: str) -> bytes:
    try:
        normalized: object = blind.normalize(text)
        if isinstance(normalized, str):
            return normalized.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{entity}.{name}: holds a lone surrogate, which is not Unicode text", field=name) from None
    except ValueError:
        # Not chained: the cause's message may quote the value.
        raise InvalidInput(f"{entity}.{name}: is not what its normalizer takes", field=name) from None
    raise InvalidInput(f"{entity}.{name}: its normalizer did not return text", field=name)
