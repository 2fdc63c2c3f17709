"""JSON documents: the records cut out of one as it streams by, and what stands around them."""
