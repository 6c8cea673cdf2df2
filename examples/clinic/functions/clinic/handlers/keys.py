"""The function that looks after keys: what there are, new ones, and the end of old ones."""

from twinvault_http import keys_handler

from clinic.records import PATIENT

handler = keys_handler([PATIENT])
