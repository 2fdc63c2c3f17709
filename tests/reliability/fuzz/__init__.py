"""Seeded records of every input format, damaged in many ways, and an account of them of its own."""
