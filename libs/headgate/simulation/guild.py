"""A guild and its channels' names and ids: what stands in the head of each export."""

from __future__ import annotations

from dataclasses import dataclass, field

from headgate.simulation import words
from headgate.simulation.files import Header
from headgate.simulation.people import Crowd
from headgate.simulation.plan import Channel, Wanted, name_key, standing_id
from headgate.simulation.render import Faces

#: channel.type by name, and as exports before 2.47 have it.
_TYPES: dict[str, tuple[str, int]] = {
    "text": ("GuildTextChat", 0),
    "voice": ("GuildVoiceChat", 2),
    "news": ("GuildNews", 5),
    "thread": ("GuildPublicThread", 11),
    "post": ("GuildPublicThread", 11),
    "private": ("GuildPrivateThread", 12),
    "empty": ("GuildTextChat", 0),
}
_OFFSETS = (180, 0, -300, 330, 60, -480)  # minutes ahead of UTC, by guild


@dataclass
class Guild:
    """What the channels of one guild share.

    ``anchors``: by the place of a channel, id and local time of the message that its thread grew
    from. ``names``: id and name of the channels written so far. ``offset``: ms ahead of UTC.
    """

    wanted: Wanted
    number: int
    id: int
    name: str
    offset: int
    crowd: Crowd
    first: Faces
    later: Faces
    anchors: dict[int, tuple[int, int]] = field(default_factory=dict)
    names: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def made(cls, wanted: Wanted, number: int) -> Guild:
        """The guild of that number, nothing written yet."""
        seed = wanted.seed
        return cls(
            wanted=wanted,
            number=number,
            id=standing_id(seed, "guild", number),
            name=words.title(name_key(seed, "guild", number)),
            offset=_OFFSETS[number % len(_OFFSETS)] * 60_000,
            crowd=Crowd(seed, number),
            first=Faces(seed, number, renamed=False),
            later=Faces(seed, number, renamed=True),
        )

    def anchor(self, channel: Channel) -> tuple[int, int] | None:
        """Id and local time of the message that a thread grew from, if it did."""
        if channel.kind != "thread" or channel.parent is None:
            return None
        return self.anchors.get(channel.parent)

    def header(self, channel: Channel, opening: int | None) -> Header:
        """The head of a channel's exports. ``opening``: id of a post's first message."""
        seed = self.wanted.seed
        about = name_key(seed, "channel", channel.number)
        own = standing_id(seed, "channel", channel.number)
        name = "general" if channel.place == 0 else f"{words.name(about)}-{channel.place}"
        topic = 'What is talked about here: "anything"' if about >> 40 & 1 else None
        section = channel.place // 4 + 1
        category_id: int | None = standing_id(seed, "category", self.number, section)
        category: str | None = f"Section {section}"
        anchor = self.anchor(channel)
        if channel.place == 0:
            category_id = category = None
        if channel.threaded:
            name, topic = words.title(about), None
        if channel.kind == "post":
            category_id, category = standing_id(seed, "forum", self.number), "questions"
            own = opening or own
        elif channel.threaded and channel.parent in self.names:
            category_id, category = self.names[channel.parent]
        if anchor is not None:
            own = anchor[0]
        return Header(
            guild_id=self.id,
            guild_name=self.name,
            channel_id=own,
            kind=_TYPES[channel.kind][channel.old],
            category_id=category_id,
            category=category,
            name=name,
            topic=topic or ("" if channel.old else None),
        )
