"""Opening a stream on Spark: what looks at the topic, what reads it, and what judges its rows."""

from __future__ import annotations

from functools import partial

from headgate.contracts.model import Contract
from headgate.core import clients
from headgate.core.errors import UsageError
from headgate.ingest.streams import codecs
from headgate.ingest.streams.registry import Registry
from headgate.ingest.streams.source import PULSAR_TOPICS
from headgate.ingest.streams.taking import Decoder
from headgate.lake.engines.spark import kafka_client
from headgate.lake.session import Session
from headgate.orchestration.project import Project
from headgate.orchestration.spark_streaming.looking import KafkaLookedAt
from headgate.orchestration.spark_streaming.source import SparkSource
from headgate.orchestration.spark_streaming.taking import SparkTaking
from headgate.orchestration.streaming.plan import Plan


def looked_at(project: Project, topic: str) -> KafkaLookedAt:
    """The topic at the broker that the project's settings name, to be asked what it has.

    Raises:
        UsageError: it is no topic of Kafka's, or Spark's driver is elsewhere.
        SettingError: no broker is named, or one that the client does not take.
    """
    if topic.startswith(PULSAR_TOPICS):
        raise UsageError(
            f"{topic} is Pulsar's, and Spark here reads topics of Kafka.",
            remedy="Say headgate.engine: duckdb in the dataset's contract.",
        )
    if project.settings.spark_remote:
        raise UsageError(
            "a stream on Spark has its driver in its own process, and spark_remote names another.",
            remedy="Set spark_master instead of spark_remote.",
        )
    return KafkaLookedAt(topic, clients.load(project.settings.root, clients.KAFKA))


def on_spark(
    project: Project, session: Session, contract: Contract, looked: KafkaLookedAt, plan: Plan
) -> tuple[SparkSource, SparkTaking]:
    """What gives the topic's messages from where it was assigned, and what judges them.

    Raises:
        SettingError: the broker's configuration cannot be said to Spark's client.
    """
    root = project.settings.root
    assert contract.stream is not None
    registry = clients.load(root, clients.REGISTRY)
    decoder = partial(decoder_of, contract.stream.codec, registry)
    options = kafka_client.options(clients.load(root, clients.KAFKA))
    source = SparkSource(
        session, contract, looked, options, plan.commit_messages, plan.commit_seconds, decoder
    )
    return source, SparkTaking(session, contract, looked.topic, decoder)


def decoder_of(kind: str, registry: dict[str, str]) -> Decoder | None:
    """What decodes messages of a kind, made where tasks run."""
    return codecs.decoder(kind, lambda: Registry(registry))
