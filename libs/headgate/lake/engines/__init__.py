"""The engines that read and stage data; one module each."""

from __future__ import annotations

from duckdb import Error as _EmbeddedError

from headgate.core.errors import LakeError


class EngineError(LakeError):
    """An engine other than the embedded one could not answer; the message is its own sentence."""


#: What an engine raises where a query fails on the data, whichever engine it is.
FAILED: tuple[type[Exception], ...] = (_EmbeddedError, EngineError)
