"""The Java process of a driver: started with what it says kept, so that why it ended can be told."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

from headgate.core import environment
from headgate.core.errors import HeadgateError, LakeError, UsageError

#: What the process says when it cannot start, and what that comes to.
_JAVA = "Install Java 17 or later, or set JAVA_HOME to one (make spark-deps does, where it may)."
_REASONS = (
    ("JAVA_HOME is not set", "Spark needs Java, and there is none here.", _JAVA),
    ("/bin/java: No such file", "Spark needs Java, and JAVA_HOME names none.", _JAVA),
    ("UnsupportedClassVersionError", "Spark needs Java 17 or later, and this one is older.", _JAVA),
    ("Unrecognized option: --add-opens", "Spark needs Java 17 or later, and this one is older.", _JAVA),
    ("Could not reserve enough space", "there is not enough memory for Spark's driver.",
     "Set spark_memory to less."),
    ("Invalid maximum heap size", "spark_memory is no amount of memory that Java knows.",
     "Write it like 2g or 900m."),
    ("Invalid initial heap size", "spark_memory is no amount of memory that Java knows.",
     "Write it like 2g or 900m."),
)  # fmt: skip
_LAST = 2_000


def start(configuration: Mapping[str, str]) -> None:
    """Start the Java process that sessions of this process will use, if there is none yet.

    What it writes goes to a file that nobody sees, unless somebody looks for a fault.

    Raises:
        HeadgateError: it did not start; why, as far as it said.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:
        return
    conf = SparkConf(loadDefaults=False).setAll(list(configuration.items()))
    with tempfile.TemporaryFile() as said:
        silent: dict[str, Any] = {} if environment.debugging() else {"stdout": said, "stderr": said}
        try:
            gateway = launch_gateway(conf, popen_kwargs=silent)
        except Exception as error:
            said.seek(0)
            raise _failure(said.read().decode("utf-8", "replace")) from error
    SparkContext._ensure_initialized(gateway=gateway, conf=conf)


def _failure(said: str) -> HeadgateError:
    for sign, message, remedy in _REASONS:
        if sign in said:
            return UsageError(message, remedy=remedy)
    lines = [line.strip() for line in said[-_LAST:].splitlines() if line.strip()]
    why = next((n for n in lines if "rror" in n or "xception" in n), lines[-1] if lines else "")
    return LakeError(
        f"Spark's Java process did not start: {why or 'it said nothing'}",
        remedy="Set HEADGATE_DEBUG=1 to see all that it says.",
    )
