"""Characters that do something to a terminal, or to the order of what is read there, shown as visible escapes. PURE.

Titles, ids, log lines and answers are other people's text: an escape sequence in one could clear the screen, write the
clipboard or forge a line. Sources: ECMA-48 (C0 and C1 controls); Unicode Standard Annex #9 (bidirectional controls) and
#14 (line and paragraph separators); Unicode Technical Report #36, "Unicode Security Considerations".
"""

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"  # tab and newline aside
_SEPARATORS = "\u2028\u2029"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Nothing to see, so nothing to tell two ids apart by. The joiners of Persian and of emoji are not among them.
_INVISIBLE = "\u200b\u2060-\u2064\u206a-\u206f\ufeff\U000e0000-\U000e007f"
_SURROGATES = "\ud800-\udfff"  # half a character: no encoding writes it

_HIDDEN = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_BIDI}{_INVISIBLE}{_SURROGATES}]")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def visible(text: str) -> str:
    r"""The text with every hidden character as an escape such as `\x1b` or `\u202e`; newlines and tabs stay."""
    return _HIDDEN.sub(_escape, text)


def one_line(text: str) -> str:
    r"""The text as one line: newlines and tabs are escapes, too, so that a value cannot forge a line after it."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def in_json(document: str) -> str:
    r"""A JSON text in which hidden characters, which only strings of it can hold, stand as `\uXXXX`: the same JSON."""
    return _HIDDEN.sub(lambda found: "" if found[0] == "\r" else _unit(found[0]), document)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if named := _NAMED.get(character):
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  # the widths of Python's escapes


def _unit(character: str) -> str:
    """A character as JSON escapes it, beyond the first plane as a pair of surrogates (RFC 8259, section 7)."""
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
