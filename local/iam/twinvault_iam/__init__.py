"""IAM policies and what they say to a request: policies, conditions, verdicts. Pure."""
