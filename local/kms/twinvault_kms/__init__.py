"""A strict local KMS: AWS KMS's API, refusals included, on one port of this machine."""
