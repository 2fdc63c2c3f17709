"""Text as every database can keep it."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text without NUL and halves of characters."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()
