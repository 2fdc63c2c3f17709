"""What Spark raises over a topic is told apart: gone for good, away for now, or something else."""

from __future__ import annotations

import pytest

from headgate.lake.engines.spark.kafka_stream import AwayError, GoneError, error_of

LOST = (
    "org.apache.spark.sql.kafka010.KafkaIllegalStateException: [KAFKA_DATA_LOSS.PARTITIONS_DELETED]"
    " Some data may have been lost because they are not available in Kafka any more"
)
AWAY = (
    "org.apache.spark.SparkException: Job aborted due to stage failure\nCaused by:"
    " java.util.concurrent.TimeoutException: Cannot fetch record for offset 7 in 30000 milliseconds"
)
CLOSED = "org.apache.kafka.common.errors.DisconnectException: null"
REFUSED = "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized"


@pytest.mark.parametrize(
    ("trace", "kind"), [(LOST, GoneError), (AWAY, AwayError), (CLOSED, AwayError)]
)
def test_each_is_what_it_comes_to(trace: str, kind: type[Exception]) -> None:
    assert isinstance(error_of(trace), kind)


def test_what_does_not_pass_is_not_tried_again() -> None:
    assert not isinstance(error_of(REFUSED), AwayError | GoneError)
