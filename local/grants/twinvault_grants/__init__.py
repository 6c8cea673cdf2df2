"""What policies grant to functions, and what of it was used: recorded calls, put to the policies anew.

`splitting` takes policies apart into grants; `asking` puts a ledger's calls to them, and again without each; `usage` is
what comes out, by function; `reading` makes all of it of what a twin wrote down.
"""
