"""Erasure: what a partition or a tenant held is made unreadable for good, and a tombstone says so."""
