"""`/maintenance` and a schedule: the function that does long work, driven by whoever asks and carried on by nobody."""

from dialogues.entities import DIALOGUE, HEAD_NEEDED
from twinvault_http import ServedKind, maintenance_handler

handler = maintenance_handler([ServedKind(DIALOGUE, head_needed=HEAD_NEEDED)])
