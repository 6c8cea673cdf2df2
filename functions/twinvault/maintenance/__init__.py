"""Long work over all partitions of a kind: done in bounded steps, each once, whoever drives it."""
