"""What the synthesized template asks for: read, made where it is missing, told to the functions."""
