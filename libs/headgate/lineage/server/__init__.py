"""The lineage store over HTTP: who may post and ask, within which limits, and the routes."""
