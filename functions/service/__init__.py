"""What Lambda calls for dialogues: their handlers, on `twinvault_http`'s public names alone."""
