"""`/erasures` and `/holds`: the function that erases, and that keeps what must not be."""

from dialogues.entities import DIALOGUE
from twinvault_http import erasure_handler

handler = erasure_handler([DIALOGUE])
