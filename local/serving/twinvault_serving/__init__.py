"""HTTP on this machine: plain ASGI applications, whose answers have the form of AWS's on the wire."""
