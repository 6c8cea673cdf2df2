"""A clinic's patients, their visits and notes."""
