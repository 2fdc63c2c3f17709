"""One module per file format; each is a :class:`~headgate.ingest.readers.base.Reader`."""
