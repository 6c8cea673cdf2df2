"""The local twin: engines, issuer, tables, keys and functions, brought up from the synthesized template."""
