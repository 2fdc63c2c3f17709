"""One export file, written message by message: its head, its array of messages, its count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headgate.core import json as hjson
from headgate.simulation.faults import encoded
from headgate.simulation.forms import Forms
from headgate.simulation.manifest import Written

_MISCOUNT = 7  # how many messages too many a damaged file says it has


@dataclass(frozen=True)
class Header:
    """What stands before the messages of an export; ``kind`` is channel.type, name or number."""

    guild_id: int
    guild_name: str
    channel_id: int
    kind: str | int
    category_id: int | None
    category: str | None
    name: str
    topic: str | None

    @property
    def file_name(self) -> str:
        """As DiscordChatExporter names the file."""
        parts = [self.guild_name, self.category, self.name]
        return " - ".join(part for part in parts if part) + f" [{self.channel_id}].json"

    def text(self, form: str, exported_at: str) -> str:
        """The JSON up to the array of messages."""
        category = f'"{self.category_id}"' if self.category_id else "null"
        return form % (
            self.guild_id,
            hjson.dumps(self.guild_name),
            f"https://cdn.discordapp.com/icons/{self.guild_id}/icon.png",
            self.channel_id,
            hjson.dumps(self.kind),
            category,
            hjson.dumps(self.category),
            hjson.dumps(self.name),
            hjson.dumps(self.topic),
            exported_at,
        )


class ExportFile:
    """Writes one file; ``account`` is kept true while messages are added.

    ``damage``, one of :data:`headgate.simulation.faults.OF_FILES`, is done to it at its end.
    """

    def __init__(
        self,
        folder: Path,
        delivery: str,
        header: Header,
        exported_at: str,
        forms: Forms,
        *,
        damage: str = "",
    ) -> None:
        self._forms, self._damage = forms, damage
        self._last = ""
        folder.mkdir(exist_ok=True)
        self._stream = (folder / header.file_name).open("wb")
        self._stream.write(header.text(forms.document[0], exported_at).encode())
        self._stream.write(b"[")
        self.account = Written(
            path=f"{delivery}/{header.file_name}",
            delivery=delivery,
            guild_id=str(header.guild_id),
            channel_id=str(header.channel_id),
            channel_type=header.kind,
        )

    def add(self, texts: list[str]) -> None:
        """Write messages, all but the last one, which waits for what follows."""
        if not texts:
            return
        between = self._forms.between
        before = [self._last] if self.account.messages else []
        self.account.messages += len(texts)
        ready = before + texts[:-1]
        self._last = texts[-1]
        if ready:
            text = between.join(ready) + between
            self._stream.write(encoded(text if before else between[1:] + text))
        else:
            self._stream.write(between[1:].encode())

    def close(self) -> Written:
        """Write the last message and the end, and give the account."""
        account = self.account
        if self._damage == "cut_tail":
            self._stream.write(encoded(self._last[: len(self._last) // 2]))
            account.fault("cut_tail", account.messages)
            account.message_count = None
        else:
            account.message_count = account.messages
            if self._damage == "wrong_count":
                account.message_count += _MISCOUNT
                account.fault("wrong_count", 0)
            end = "\n  ]" if account.messages and not self._forms.minified else "]"
            last = self._forms.document[1] % account.message_count
            self._stream.write(encoded(self._last + end + last))
        self._stream.close()
        return account
