"""The infrastructure: one module per room of the runtime."""
