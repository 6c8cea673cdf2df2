"""The function for long work: rewriting, new indexes, inspections, and mending."""

from twinvault_http import maintenance_handler

from clinic.records import PATIENT

handler = maintenance_handler([PATIENT])
