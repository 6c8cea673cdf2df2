"""The checks of a verdict. PURE: facts in, what is wrong with them out."""
