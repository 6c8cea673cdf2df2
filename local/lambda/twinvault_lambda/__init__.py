"""Lambda without Docker: the Runtime API, the workers behind it, and the HTTP API's front door before them."""
