"""The checkout that this package runs from: what is built, locked and composed lies there."""

from pathlib import Path

ROOT = Path(__file__).parents[4]
