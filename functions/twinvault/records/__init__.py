"""Entity specs, the store, the head, transactions and the DynamoDB adapter."""
