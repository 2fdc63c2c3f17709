"""The platform as pages show it: read in the background, kept in memory, searched."""
