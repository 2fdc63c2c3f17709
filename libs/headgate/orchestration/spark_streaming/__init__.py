"""A topic taken by Spark's Structured Streaming: read and staged by tasks, judged by Spark's SQL.

The loop, the gate, the commit door, releases and measures are those of :mod:`headgate.orchestration.streaming`.
"""
