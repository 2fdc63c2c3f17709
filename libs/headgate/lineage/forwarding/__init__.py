"""Lineage sent on to others: the event files are the outbox, and each destination has its place in them."""
