"""The audit chain and its log."""
