"""Simulated community exports: DiscordChatExporter files with the statistics of a real chat corpus.

Knows nothing of contracts or of the gate, so that what it says it put in can be held against them.
"""
