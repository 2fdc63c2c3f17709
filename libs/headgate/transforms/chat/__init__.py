"""Transforms of chat: what no single row of a message says."""
