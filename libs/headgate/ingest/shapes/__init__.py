"""Nested records proven by their shape: a shape is judged once, a record costs a look."""
