"""SQL that tries to read or write what it was not given, and SQL that does not."""
