"""The function that erases patients, and keeps those whom nobody may erase."""

from twinvault_http import erasure_handler

from clinic.records import PATIENT

handler = erasure_handler([PATIENT])
