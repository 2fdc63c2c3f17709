"""The benchmark: governed ingest against a bare copy."""
