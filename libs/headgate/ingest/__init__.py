"""Reading what arrives, exactly: source files in, typed rows or refusals with reasons out."""
