"""What the synthesized template asks for: read, made where it is missing, and given to the functions as values."""
