"""Contracts: loaded, validated, and compiled to everything that is derived from them."""
