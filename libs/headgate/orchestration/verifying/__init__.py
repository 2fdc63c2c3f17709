"""Verifying a lake end to end: what is wrong, how bad it is, what to do, and what can safely be mended."""
