"""Delimited text: cut into records and fields, in any dialect and encoding, and typed."""
