"""How a long piece of work says what it does now."""

from collections.abc import Callable

type Progress = Callable[[str], None]
"""Called with a few words when a step of the work begins."""
