"""Lineage: what every step read and wrote, told as OpenLineage events through one door."""
