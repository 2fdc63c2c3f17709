"""One name: what a dataset is called on disk, in lineage, in Airflow, in dbt and in the portal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headgate.core.errors import UsageError

LAYERS = ("bronze", "silver", "gold", "system")
_ID = re.compile(r"^(bronze|silver|gold|system)\.([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\Z")
QUARANTINE_SUFFIX = "__quarantine"


@dataclass(frozen=True, order=True)
class DatasetName:
    """The name ``<layer>.<domain>.<name>`` and all its forms, each with its way back."""

    layer: str
    domain: str
    name: str

    @classmethod
    def parse(cls, text: str) -> DatasetName:
        """The dataset that ``text`` names.

        Raises:
            UsageError: the text is no dataset id.
        """
        match = _ID.match(text)
        if not match or "__" in match[2] or match[3].endswith(QUARANTINE_SUFFIX):
            raise UsageError(
                f"{text!r} is no dataset id.",
                remedy="Write <layer>.<domain>.<name>, such as bronze.chat.messages; layers: "
                + ", ".join(LAYERS)
                + ".",
            )
        return cls(*match.groups())

    @property
    def id(self) -> str:
        """``bronze.chat.messages``; also its name in lineage."""
        return f"{self.layer}.{self.domain}.{self.name}"

    @property
    def path(self) -> str:
        """Its Delta table below the lake: ``bronze/chat/messages``."""
        return f"{self.layer}/{self.domain}/{self.name}"

    @property
    def quarantine_path(self) -> str:
        """The Delta table of its refused rows, beside it."""
        return self.path + QUARANTINE_SUFFIX

    @property
    def schema(self) -> str:
        """Its schema in dbt and in the catalogue: ``bronze_chat``."""
        return f"{self.layer}_{self.domain}"

    @property
    def relation(self) -> str:
        """``"bronze_chat"."messages"``: quoted, as SQL names it."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def model(self) -> str:
        """The dbt model that builds it: the name itself in gold, ``int_<domain>__<name>`` in silver."""
        return self.name if self.layer == "gold" else f"int_{self.domain}__{self.name}"

    @property
    def portal_path(self) -> str:
        """Its page in the portal."""
        return f"/datasets/{self.id}"

    def asset_uri(self, lake_name: str) -> str:
        """Its Airflow Asset's URI, which is also its OpenLineage namespace and name joined."""
        return f"headgate://{lake_name}/{self.id}"

    @classmethod
    def from_path(cls, path: str) -> DatasetName:
        """The dataset whose Delta table (or quarantine) lies at ``path`` below the lake."""
        return cls.parse(path.removesuffix(QUARANTINE_SUFFIX).strip("/").replace("/", "."))

    @classmethod
    def from_schema(cls, schema: str, name: str) -> DatasetName:
        """The dataset whose catalogue relation is ``schema.name``."""
        layer, _, domain = schema.partition("_")
        return cls.parse(f"{layer}.{domain}.{name}")

    @classmethod
    def from_asset_uri(cls, uri: str) -> DatasetName:
        """The dataset that an Asset's URI names."""
        return cls.parse(uri.rsplit("/", 1)[-1])

    def __str__(self) -> str:
        return self.id
