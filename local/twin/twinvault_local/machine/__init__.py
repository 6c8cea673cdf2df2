"""This machine: its files, locks, ports, disk and processes, waiting, and the programs found on it."""
