"""Two plots as SVG text, without a library: bars beside each other, and lines over two logarithmic axes. Pure.

Coordinates are rounded to tenths, so that the same figures give the same bytes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 50, 50
_COLOURS = ("#0b7285", "#c92a2a", "#5f3dc4", "#e67700", "#495057")  # dark enough on white and on grey
_INK, _FAINT, _PAPER = "#212529", "#dee2e6", "#ffffff"
_BAR_HEIGHT, _BAR_GAP, _LABEL_WIDTH = 26, 14, 230


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from one power of ten to another, over so many pixels."""

    low: int
    high: int
    start: float
    length: float

    def at(self, value: float) -> float:
        """Where a value stands, in pixels."""
        return self.start + self.length * (math.log10(value) - self.low) / (self.high - self.low)

    def ticks(self) -> Iterator[int]:
        """The powers of ten on it."""
        yield from range(self.low, self.high + 1)


def bars(title: str, values: Mapping[str, float], *, unit: str) -> str:
    """Horizontal bars over a logarithmic axis from 1 on, each with its value."""
    height = _TOP + len(values) * (_BAR_HEIGHT + _BAR_GAP) + _BOTTOM
    top = max(1, math.ceil(math.log10(max(values.values()))))
    axis = Axis(0, top, _LABEL_WIDTH, WIDTH - _LABEL_WIDTH - 90)
    parts = [_text(_RIGHT, 28, title, size=16)]
    for power in axis.ticks():
        x = axis.at(10**power)
        parts += [_line(x, _TOP, x, height - _BOTTOM), _text(x, height - 28, f"{10**power:,}", anchor="middle")]
    parts.append(_text(WIDTH - 90, height - 8, unit, anchor="end"))
    for place, (name, value) in enumerate(values.items()):
        y = _TOP + place * (_BAR_HEIGHT + _BAR_GAP) + _BAR_GAP / 2
        width = max(1.0, axis.at(max(value, 1.0)) - axis.start)
        colour = _COLOURS[0] if place == 0 else _COLOURS[-1]
        parts += [
            f'<rect x="{axis.start:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR_HEIGHT}" fill="{colour}"/>',
            _text(_LABEL_WIDTH - 8, y + 18, name, anchor="end"),
            _text(axis.start + width + 6, y + 18, f"{value:,.0f}"),
        ]
    return _document(title, parts, height=height)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str) -> str:
    """Lines of (x, y), all above 0, over two logarithmic axes."""
    points = [point for one in series.values() for point in one]
    low_x, high_x = _powers([x for x, _ in points])
    low_y, high_y = _powers([y for _, y in points])
    horizontal = Axis(low_x, high_x, _LEFT, WIDTH - _LEFT - _RIGHT)
    vertical = Axis(low_y, high_y, HEIGHT - _BOTTOM, _TOP + _BOTTOM - HEIGHT)
    parts = [_text(_RIGHT, 28, title, size=16)]
    for power in horizontal.ticks():
        x = horizontal.at(10**power)
        parts += [_line(x, _TOP, x, HEIGHT - _BOTTOM), _text(x, HEIGHT - 30, f"{10**power:,}", anchor="middle")]
    for power in vertical.ticks():
        y = vertical.at(10**power)
        parts += [_line(_LEFT, y, WIDTH - _RIGHT, y), _text(_LEFT - 8, y + 4, f"{10.0**power:,g}", anchor="end")]
    parts += [_text(WIDTH - _RIGHT, HEIGHT - 10, across, anchor="end"), _text(_LEFT, _TOP - 8, up)]
    for place, (name, one) in enumerate(series.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        path = [(horizontal.at(x), vertical.at(y)) for x, y in one]
        coordinates = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
        parts.append(f'<polyline points="{coordinates}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in path]
        parts.append(_text(_LEFT + 14, _TOP + 20 + 18 * place, name, colour=colour))
    return _document(title, parts, height=HEIGHT)


def _powers(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that enclose all values."""
    low = math.floor(math.log10(min(values)))
    return low, max(low + 1, math.ceil(math.log10(max(values))))


def _text(x: float, y: float, content: str, *, anchor: str = "start", size: int = 13, colour: str = _INK) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {where}>{escape(content)}</text>"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_FAINT}"/>'


def _document(title: str, parts: Sequence[str], *, height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" font-family="system-ui, sans-serif">'
    )
    paper = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", paper, *parts, "</svg>"]) + "\n"
