"""Why somebody does not come in."""

from __future__ import annotations


class Refusal(Exception):
    """Why somebody does not come in: a status of HTTP, the reason, and what to do. ``who`` is what
    the provider calls them, where it came to that."""

    def __init__(self, status: int, message: str, remedy: str = "", *, who: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.remedy, self.who = status, message, remedy, who
