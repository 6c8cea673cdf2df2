"""IAM: policies and a request in, a decision out. Pure: no clock, no network, no environment.

A `Vocabulary` says which words policies may use; `documents.parse_policy` reads a policy and refuses every other word;
`evaluation.decide` (or `decide_by_key_policy`) asks an identity's and a resource's policies about one `policy.Access`,
and `evaluation.denial` is AWS's sentence for a refusal.
"""
