"""Polars transforms, by domain: pure frame in, frame out."""
