"""The relational store of lineage: what OpenLineage events of any producer add up to, with its history."""
