"""What the store is asked, as plain functions: the command line, the HTTP API and reports call these."""
