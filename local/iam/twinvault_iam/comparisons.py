"""What condition operators compare, one value of a request with one of a policy, by their lower-case names.

Source: IAM user guide, "IAM JSON policy elements: Condition operators". A value that is not of the operator's kind is
refused in a policy and equals nothing in a request. Policy variables stand with strings and ARNs alone: for Bool the
guide's two pages disagree, so they are refused there too.
"""

import binascii
import calendar
import ipaddress
import operator
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from twinvault_iam.errors import MalformedPolicyError, NotEvaluatedError
from twinvault_iam.patterns import Dialect, Pieces, RequestFacts, as_text, is_arn_like, is_like, parse_template

type Comparison = Callable[[str, RequestFacts], bool]

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
# W3C's profile of ISO 8601. A year alone would be a second of the epoch as well, so it is neither.
_DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"(T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2}(\.[0-9]{1,9})?))?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2}))?)?"
)
_YEAR = re.compile(r"[0-9]{4}")
_HOURS, _MINUTES, _SECONDS = 24, 60, 60


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator: how it reads a policy's value, and whether it is the negation of what it compares."""

    read: Callable[[str, Dialect], Comparison]
    negated: bool = False


def _of_texts(test: Callable[[str, Pieces], bool]) -> Callable[[str, Dialect], Comparison]:
    def read(text: str, dialect: Dialect) -> Comparison:
        template = parse_template(text, dialect)

        def compare(value: str, facts: RequestFacts) -> bool:
            pieces = template.pieces(facts)
            return pieces is not None and test(value, pieces)

        return compare

    return read


def _typed[Kind](
    parse: Callable[[str], Kind | None], name: str, test: Callable[[Kind, Kind], bool]
) -> Callable[[str, Dialect], Comparison]:
    def read(text: str, dialect: Dialect) -> Comparison:
        if dialect.variables and "${" in text:
            raise NotEvaluatedError("policy variables stand with string and ARN operators alone")
        wanted = parse(text)
        if wanted is None:
            raise MalformedPolicyError(f"a value is not {name}")

        def compare(value: str, _facts: RequestFacts) -> bool:
            found = parse(value)
            return found is not None and test(found, wanted)

        return compare

    return read


def parse_number(text: str) -> Decimal | None:
    """Return the number that a text is, if it is one."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def parse_date(text: str) -> Decimal | None:
    """Return the seconds since the epoch that a date, or that number itself, means."""
    if _YEAR.fullmatch(text):
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        return parse_number(text)
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"] or 1)
    hour, minute, second = int(match["hour"] or 0), int(match["minute"] or 0), Decimal(match["second"] or 0)
    offset = _offset(match["zone"] or "Z")
    if not (year and 1 <= month <= calendar.DECEMBER and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    if hour >= _HOURS or minute >= _MINUTES or second >= _SECONDS or offset is None:
        return None
    return calendar.timegm((year, month, day, hour, minute, 0)) - offset + second


def _offset(zone: str) -> int | None:
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:])
    seconds = (hours * _MINUTES + minutes) * _SECONDS
    return None if hours >= _HOURS or minutes >= _MINUTES else seconds if zone[0] == "+" else -seconds


def parse_flag(text: str) -> bool | None:
    """Return what `true` and `false` mean, in any case of letters."""
    return {"true": True, "false": False}.get(text.lower())


def _binary(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _addresses(text: str) -> tuple[int, int, int] | None:
    """The version, first and last address of a range; a bare address is a range of one."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)


def _lies_in(found: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return found[0] == wanted[0] and wanted[1] <= found[1] and found[2] <= wanted[2]


def _equal(value: str, pieces: Pieces) -> bool:
    return value == as_text(pieces)


def _equal_folded(value: str, pieces: Pieces) -> bool:
    return value.casefold() == as_text(pieces).casefold()


def _numeric(test: Callable[[Decimal, Decimal], bool]) -> Callable[[str, Dialect], Comparison]:
    return _typed(parse_number, "a number", test)


def _date(test: Callable[[Decimal, Decimal], bool]) -> Callable[[str, Dialect], Comparison]:
    return _typed(parse_date, "a date: 2030-01-31, 2030-01-31T23:59:00Z, or seconds since the epoch", test)


_ADDRESS = _typed(_addresses, "an IP address or a range of them", _lies_in)

OPERATORS = {
    "stringequals": Operator(_of_texts(_equal)),
    "stringnotequals": Operator(_of_texts(_equal), negated=True),
    "stringequalsignorecase": Operator(_of_texts(_equal_folded)),
    "stringnotequalsignorecase": Operator(_of_texts(_equal_folded), negated=True),
    "stringlike": Operator(_of_texts(is_like)),
    "stringnotlike": Operator(_of_texts(is_like), negated=True),
    "numericequals": Operator(_numeric(operator.eq)),
    "numericnotequals": Operator(_numeric(operator.eq), negated=True),
    "numericlessthan": Operator(_numeric(operator.lt)),
    "numericlessthanequals": Operator(_numeric(operator.le)),
    "numericgreaterthan": Operator(_numeric(operator.gt)),
    "numericgreaterthanequals": Operator(_numeric(operator.ge)),
    "dateequals": Operator(_date(operator.eq)),
    "datenotequals": Operator(_date(operator.eq), negated=True),
    "datelessthan": Operator(_date(operator.lt)),
    "datelessthanequals": Operator(_date(operator.le)),
    "dategreaterthan": Operator(_date(operator.gt)),
    "dategreaterthanequals": Operator(_date(operator.ge)),
    "bool": Operator(_typed(parse_flag, "true or false", operator.eq)),
    "binaryequals": Operator(_typed(_binary, "base64", operator.eq)),
    "ipaddress": Operator(_ADDRESS),
    "notipaddress": Operator(_ADDRESS, negated=True),
    "arnequals": Operator(_of_texts(is_arn_like)),  # "ArnEquals and ArnLike behave identically"
    "arnnotequals": Operator(_of_texts(is_arn_like), negated=True),
    "arnlike": Operator(_of_texts(is_arn_like)),
    "arnnotlike": Operator(_of_texts(is_arn_like), negated=True),
}
"""Every operator but Null, which compares nothing."""
