"""Twinvault: an encrypted record store on Amazon DynamoDB."""
