"""Benchmarks: how fast, and against whom (docs/benchmarks.md)."""
