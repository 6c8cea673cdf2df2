"""What production is built with: the wheels, the one zip, the synthesized app."""
