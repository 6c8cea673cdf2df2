"""The local twin: engines, local KMS, issuer, provisioning and the Lambda runtime."""
