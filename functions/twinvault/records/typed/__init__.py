"""Typed records: a record type is declared once, as a class that editors and type checkers know."""
