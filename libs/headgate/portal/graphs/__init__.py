"""The graph of lineage as pages show it: what was asked, what is reached, and how it is put in groups."""
