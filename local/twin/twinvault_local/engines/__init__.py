"""How each engine is fetched, started and asked whether it is well; never how it behaves."""
