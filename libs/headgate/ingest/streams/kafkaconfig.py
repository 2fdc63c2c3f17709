"""How a client of Kafka is configured: what is fixed, what is so by default, what the project says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.core.errors import SettingError

#: What is promised rests on these; they cannot be set.
FIXED: dict[str, Any] = {
    # Positions are in the table, in the commit that holds the rows.
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Gone messages are an error, and no reason to go on elsewhere.
    "auto.offset.reset": "error",
    # What a producer took back never was.
    "isolation.level": "read_committed",
    # Says where a partition ends, also behind records that are the broker's own.
    "enable.partition.eof": True,
}
#: What is so unless ``[kafka]`` says otherwise. The queue of fetched messages is what bounds memory:
#: when nobody polls it fills, and then nothing is fetched.
DEFAULTS: dict[str, Any] = {
    "group.id": "headgate",
    "client.id": "headgate",
    "check.crcs": True,
    "queued.max.messages.kbytes": 32_768,
    "queued.min.messages": 100_000,
    "fetch.wait.max.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    "allow.auto.create.topics": False,
}


def client_config(config: Mapping[str, str]) -> dict[str, Any]:
    """Configuration of any client of Kafka: where the brokers are, and how to be let in.

    Raises:
        SettingError: it does not say where the brokers are, or what is fixed otherwise.
    """
    if not config.get("bootstrap.servers"):
        raise SettingError(
            "nothing says where Kafka is.",
            remedy='Write in headgate.toml: [kafka] "bootstrap.servers" = "broker:9092".',
        )
    for name, value in FIXED.items():
        if name in config and config[name] != str(value).lower():
            raise SettingError(
                f"{name} must be {str(value).lower()} for messages to be taken once.",
                remedy="Take it out of [kafka].",
            )
    return dict(config)
