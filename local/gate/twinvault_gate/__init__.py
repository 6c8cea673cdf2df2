"""What stands before DynamoDB Local: IAM in force, and the faults of AWS by order."""
