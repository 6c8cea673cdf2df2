"""What a token must allow before dialogues are read or written."""

READ, WRITE = "dialogues:read", "dialogues:write"
