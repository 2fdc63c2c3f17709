"""The one door each to time, ids, JSON, settings, errors and failpoints; imports nothing of ours."""
