"""What a token must allow."""

READ, WRITE = "clinic:read", "clinic:write"
