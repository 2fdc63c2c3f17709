"""A small project, runs of it in processes forked from a warm one, and what must be the same after."""
