"""What only Lambda needs: handlers, access, HTTP, settings and wiring."""
