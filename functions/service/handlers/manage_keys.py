"""`/keys`: the function that looks after the keys that a tenant has, and makes new ones where there are some."""

from dialogues.entities import DIALOGUE
from twinvault_http import keys_handler

handler = keys_handler([DIALOGUE])
