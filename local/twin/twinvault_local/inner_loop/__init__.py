"""Newer code in a twin that is up: reloaded, watched as it loads, put under a debugger."""
