"""Messages of brokers: sources that give them with their positions, and codecs that make text of them.

A broker's client is imported by the module that speaks to it and by none that a run on files loads.
"""
