"""The command people type."""
