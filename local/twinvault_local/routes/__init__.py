"""The two ways to run the same engines, Docker and plain processes, and which of them a state folder is on."""
