"""PartiQL as DynamoDB has it: a statement in, what it is about out. Pure."""
