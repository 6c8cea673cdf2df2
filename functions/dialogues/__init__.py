"""The dialogue model on top of the library."""
