"""One canonical form for DynamoDB numbers (docs/format.md, "Numbers").

DynamoDB and its SDKs write one number in many ways (`1`, `1.0`, `1e0`). The AAD needs one: digits without leading or
trailing zeros, `e`, exponent; zero is `0`.
"""

import re
from decimal import Decimal
from functools import lru_cache

from twinvault.errors import InvalidInput

MAX_DIGITS = 38
# The magnitude that DynamoDB stores: 1E-130 to 9.9...E+125.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_MIN_MAGNITUDE, _MAX_MAGNITUDE = -130, 125
_TOO_LARGE = 10 ** (_MAX_MAGNITUDE + 1)
_OUT_OF_RANGE = "must lie between 1E-130 and 9.9E+125 in magnitude"
# DynamoDB answers with 38 digits and a short exponent, or writes the number out (up to 126 digits or 169 places).
_MAX_TEXT = 200
_TEXT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)


def canonical_number(text: str, *, field: str = "number") -> str:
    """Returns the one canonical form of a decimal number: `-12.50` is `-125e-1`, `1.0` is `1e0`, any zero is `0`.

    Raises:
        InvalidInput: not a decimal number, more than 38 significant digits, or outside DynamoDB's range.
    """
    try:
        return _canonical(text)
    except ValueError as rule:
        raise InvalidInput(f"{field}: {rule}", field=field) from None


# Memoised: most clear numbers are versions, formats and small counts, the same in record after record.
@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    match = _TEXT.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise ValueError("must be a decimal number")
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0"
    stripped = digits.rstrip("0")
    power = int(exponent or "0") - len(fraction) + len(digits) - len(stripped)
    if len(stripped) > MAX_DIGITS:
        raise ValueError(f"must have at most {MAX_DIGITS} significant digits")
    if not _MIN_MAGNITUDE <= power + len(stripped) - 1 <= _MAX_MAGNITUDE:
        raise ValueError(_OUT_OF_RANGE)
    return f"{sign}{stripped}e{power}"


def number_text(value: float | Decimal, *, field: str) -> str:
    """Returns a Python number as DynamoDB's N text, in canonical form. A float gives its shortest exact repr.

    Raises:
        InvalidInput: NaN, an infinity, more than 38 digits, or outside DynamoDB's range.
    """
    # An int with thousands of digits must not reach str(), which is quadratic and, past 4,300 digits, refuses.
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise InvalidInput(f"{field}: {_OUT_OF_RANGE}", field=field)
    return canonical_number(str(value), field=field)


# Memoised, as `_canonical` is.
@lru_cache(maxsize=1024)
def number_value(text: str) -> int | Decimal:
    """Returns N text as an `int` where it is whole, else as a `Decimal` with exactly those digits.

    Raises:
        InvalidInput: as `canonical_number`.
    """
    canonical = canonical_number(text)
    if canonical == "0":
        return 0
    digits, _, power = canonical.partition("e")
    exponent = int(power)
    return int(digits) * 10**exponent if exponent >= 0 else Decimal(canonical)
