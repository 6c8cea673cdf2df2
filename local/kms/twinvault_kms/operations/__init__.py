"""The operations this KMS offers, one module per chapter of AWS's API reference."""
