"""Where events of Airflow's own go: a file of the lake beside ours, a line each, secrets hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from headgate.core.secrets import redact
from headgate.lineage.event_file import EventFile


@attr.define
class LakeConfig(Config):
    """``path`` is the file, made with its folder when the first event comes."""

    path: str

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> LakeConfig:
        """The configuration as Airflow has it."""
        return cls(path=str(params["path"]))


class LakeTransport(Transport):
    """OpenLineage's transport to a file that several processes write at once."""

    kind = "lake"
    config_class = LakeConfig

    def __init__(self, config: LakeConfig) -> None:
        self._path = Path(config.path)

    def emit(self, event: Any) -> None:
        """Append the event.

        Raises:
            OSError: it could not be written; who asked for it only warns of that.
        """
        file = EventFile(self._path)
        try:
            file.append(redact(Serde.to_json(event)))
        finally:
            file.close(durable=False)  # a task waits for it, and nothing is taken from it
