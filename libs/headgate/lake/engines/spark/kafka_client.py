"""How Spark's own client reaches Kafka: what ``[kafka]`` says in librdkafka's words, in those of Java."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headgate.core.errors import SettingError

#: What is promised rests on these; they cannot be set.
FIXED = {"isolation.level": "read_committed"}
#: A broker that is away is told of within seconds, not minutes; who asks tries again. Tasks take many
#: messages at a time.
DEFAULTS = {
    "request.timeout.ms": "10000",
    "default.api.timeout.ms": "10000",
    "max.poll.records": "5000",
}
#: librdkafka's names, and Java's of the same thing.
_NAMES = {
    "metadata.broker.list": "bootstrap.servers",
    "sasl.mechanisms": "sasl.mechanism",
    "fetch.wait.max.ms": "fetch.max.wait.ms",
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "socket.receive.buffer.bytes": "receive.buffer.bytes",
    "socket.send.buffer.bytes": "send.buffer.bytes",
    "topic.metadata.refresh.interval.ms": "metadata.max.age.ms",
    "ssl.endpoint.identification.algorithm": "ssl.endpoint.identification.algorithm",
}
#: Of librdkafka alone; how Spark fetches is Spark's.
_ITS_OWN = (
    *("enable.auto.", "auto.", "queued.", "group.", "enable.partition.eof", "statistics.", "debug"),
    *("log", "message.", "socket.", "broker.", "topic.", "allow.auto.create.topics", "partition."),
    *("fetch.error.", "fetch.queue.", "coordinator.", "heartbeat.", "session.", "max.poll."),
    *("enable.ssl.certificate.verification", "builtin.", "client.dns.lookup", "client.rack"),
)
_LOGIN = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_USER, _PASSWORD = "sasl.username", "sasl.password"
_AUTHORITIES, _CERTIFICATE, _KEY = "ssl.ca.location", "ssl.certificate.location", "ssl.key.location"
_HANDLED = (_USER, _PASSWORD, _AUTHORITIES, _CERTIFICATE, _KEY)


def options(config: Mapping[str, str]) -> dict[str, str]:
    """Options of Spark's Kafka source that say what ``config``, in librdkafka's names, says.

    Names that both clients have are passed on; those that tune librdkafka alone are left out.

    Raises:
        SettingError: it says what cannot be said to Spark's client, or a file cannot be read.
    """
    if not (config.get("bootstrap.servers") or config.get("metadata.broker.list")):
        raise SettingError(
            "nothing says where Kafka is.",
            remedy='Write in headgate.toml: [kafka] "bootstrap.servers" = "broker:9092".',
        )
    told = dict(DEFAULTS)
    for name, value in config.items():
        if name in _NAMES:
            told[_NAMES[name]] = value
        elif name not in _HANDLED and not name.startswith(_ITS_OWN):
            told[name] = value
    told |= _login(config, told) | _files(config) | FIXED
    return {f"kafka.{name}": value for name, value in told.items()}


def _login(config: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    if _USER not in config:
        return {}
    mechanism = told.get("sasl.mechanism", "")
    if mechanism not in _LOGIN:
        raise SettingError(
            f"{_USER} is for PLAIN or SCRAM, and sasl.mechanism is {mechanism or 'not set'}.",
            remedy="Say sasl.jaas.config for Spark, or take the stream by the engine duckdb.",
            place="headgate.toml: kafka",
        )
    user, password = (_quoted(config.get(n, "")) for n in (_USER, _PASSWORD))
    module = _LOGIN[mechanism]
    return {"sasl.jaas.config": f"{module} required username={user} password={password};"}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _files(config: Mapping[str, str]) -> dict[str, str]:
    """Certificates, which Java takes as PEM too: their text, so that workers need no file."""
    told: dict[str, str] = {}
    if _AUTHORITIES in config:
        told |= {"ssl.truststore.type": "PEM"}
        told |= {"ssl.truststore.certificates": _text(config, _AUTHORITIES)}
    if _CERTIFICATE in config or _KEY in config:
        told |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": _text(config, _CERTIFICATE),
            "ssl.keystore.key": _text(config, _KEY),
        }
    return told


def _text(config: Mapping[str, str], name: str) -> str:
    try:
        return Path(config.get(name, "")).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{name} names no file that can be read: {error}.", place="headgate.toml: kafka"
        ) from None
