"""Column lineage of functions of Polars frames, asked of Polars' optimizer."""

from headgate.transforms.tracing.asked import columns_read, of_transform

__all__ = ["columns_read", "of_transform"]
