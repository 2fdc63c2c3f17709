"""What readers share whose file streams by once: counted and hashed while the engine reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from headgate.ingest.blocks import Blocks
from headgate.ingest.readers.base import SourceFile

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_names = count(1)


class Streamed:
    """A reader (see :class:`headgate.ingest.readers.base.Reader`) but for its scan and exact look.

    Who scans puts what is left of the stream into ``_rest``, counts records in ``_read``, and an
    error that stopped the stream into ``_failure``: through the engine it would come out as the
    engine's, so who asks for the count gets it.
    """

    def __init__(self, source: SourceFile) -> None:
        self.notes: tuple[str, ...] = ()
        self._source = source
        self._blocks = Blocks(source)
        self._read = 0
        self._rest: Iterator[Any] = iter(())
        self._failure: Exception | None = None
        self._registered: tuple[duckdb.DuckDBPyConnection, str] | None = None

    @property
    def read(self) -> int:
        """Records in the file; reads what nobody has read yet, and raises what stopped the scan."""
        self._finish()
        return self._read

    @property
    def control_total(self) -> tuple[int | None, int] | None:
        """None: most formats have no such total."""
        return None

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file's bytes as stored; reads what nobody has read yet."""
        self._finish()
        return self._blocks.content_hash

    def close(self) -> None:
        """Let go of the file and of what was registered."""
        self._unregister()
        self._blocks.close()

    def _finish(self) -> None:
        if self._failure is not None:
            raise self._failure
        for _ in self._rest:
            pass

    def _register(
        self, con: duckdb.DuckDBPyConnection, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
    ) -> str:
        """The name under which the engine reads the batches, once."""
        import pyarrow as pa

        name = f"_headgate_stream_{next(_names)}"
        con.register(name, pa.RecordBatchReader.from_batches(schema, batches))
        self._registered = (con, name)
        return name

    def _unregister(self) -> None:
        if self._registered:
            con, name = self._registered
            con.unregister(name)
            self._registered = None
