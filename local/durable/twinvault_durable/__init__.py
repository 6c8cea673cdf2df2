"""Files that hold the old or the new content, never a part, and locks that end with their process."""

from twinvault_durable.files import create, write
from twinvault_durable.locks import HeldError, held

__all__ = ["HeldError", "create", "held", "write"]
