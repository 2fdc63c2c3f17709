"""The JSON of DiscordChatExporter as templates: its fields in its order, indented as it indents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from headgate.core import json as hjson


class Slot(str):
    """A place of a template that is filled by ``%``, with JSON text as it stands."""

    __slots__ = ()


TEXT = Slot('"%s"')
ANY = Slot("%s")
Value = None | bool | int | str | list["Value"] | dict[str, "Value"]

_USER: dict[str, Value] = {"id": TEXT, "name": TEXT, "discriminator": TEXT, "nickname": TEXT}
_AUTHOR: Value = {**_USER, "color": ANY, "isBot": ANY, "roles": ANY, "avatarUrl": TEXT}
_HEAD: dict[str, Value] = {
    "id": TEXT,
    "type": TEXT,
    "timestamp": TEXT,
    "timestampEdited": ANY,
    "callEndedTimestamp": None,
    "isPinned": ANY,
    "content": TEXT,
    "author": ANY,
}
_ARRAYS: dict[str, Value] = dict.fromkeys(
    ("attachments", "embeds", "stickers", "reactions", "mentions"), ANY
)
_EMOJI: Value = {"id": TEXT, "name": TEXT, "isAnimated": ANY, "imageUrl": TEXT}
_ATTACHMENT: Value = {"id": TEXT, "url": TEXT, "fileName": TEXT, "fileSizeBytes": ANY}
_FIELD: Value = {"name": "Version", "value": TEXT, "isInline": True}
_EMBED: Value = {
    **{"title": TEXT, "url": TEXT, "timestamp": None, "description": TEXT, "color": "#58B9FF"},
    **{"images": [], "fields": [_FIELD, _FIELD], "inlineEmojis": []},
}
_STICKER: Value = {"id": TEXT, "name": TEXT, "format": "Png", "sourceUrl": TEXT}
_WHERE: dict[str, Value] = {"messageId": ANY, "channelId": TEXT, "guildId": TEXT}
_FORWARDED: Value = {
    **{"timestamp": TEXT, "timestampEdited": None, "content": TEXT},
    **{"attachments": [], "embeds": [], "stickers": []},
}
_DOCUMENT: Value = {
    "guild": {"id": TEXT, "name": ANY, "iconUrl": TEXT},
    "channel": {
        **{"id": TEXT, "type": ANY, "categoryId": ANY, "category": ANY},
        **{"name": ANY, "topic": ANY},
    },
    "dateRange": {"after": None, "before": None},
    "exportedAt": TEXT,
    "messages": ANY,
    "messageCount": ANY,
}


def written(value: Value, depth: int, *, minified: bool) -> str:
    """The JSON text of a value whose first line stands at ``depth`` indents, slots and all."""
    if isinstance(value, Slot):
        return value
    if not value or not isinstance(value, dict | list):
        return hjson.dumps(value)
    colon, line = (":", "") if minified else (": ", "\n" + "  " * (depth + 1))
    if isinstance(value, dict):
        inner = [
            f'"{name}"{colon}{written(child, depth + 1, minified=minified)}'
            for name, child in value.items()
        ]
        opened, closed = "{", "}"
    else:
        inner = [written(child, depth + 1, minified=minified) for child in value]
        opened, closed = "[", "]"
    end = line[:-2] if line else ""
    return opened + line + f",{line}".join(inner) + end + closed


@dataclass(frozen=True)
class Forms:
    """The templates of one version of the exporter, indented or minified.

    ``document`` takes what its array of messages is in between; ``message`` takes the head's
    values, the author and a tail: ``plain`` for most, or ``answer`` (the id answered and where);
    else ``tail``, ``referring`` or ``forwarding``, which take five arrays, and what follows them.
    """

    minified: bool
    document: tuple[str, str]
    message: str
    plain: str
    answer: str
    tail: str
    referring: str
    forwarding: str
    author: str
    mention: str
    reaction: str
    emoji: str
    attachment: str
    embed: str
    sticker: str
    reference: str
    forwarded: str
    role: str
    between: str

    def array(self, items: list[str], depth: int) -> str:
        """An array of JSON texts, each written at ``depth`` + 1; it stands at ``depth``."""
        if not items or self.minified:
            return "[" + ",".join(items) + "]"
        line = "\n" + "  " * (depth + 1)
        return "[" + line + f",{line}".join(items) + line[:-2] + "]"


@cache
def forms(*, old: bool, minified: bool) -> Forms:
    """The templates; ``old`` ones write null references, and a message's emojis nowhere."""

    def template(value: Value, depth: int) -> str:
        return written(value, depth, minified=minified)

    name = '"messages"' + (":" if minified else ": ")
    first, last = template(_DOCUMENT, 0).split(name + "%s")
    message = template({**_HEAD, "attachments": []}, 2)
    after: dict[str, Value] = {"interaction": None} if old else {"inlineEmojis": ANY}
    bare: dict[str, Value] = {"interaction": None} if old else {"inlineEmojis": []}
    where: dict[str, Value] = {**_WHERE, "messageId": TEXT}
    answered: Value = where if old else {"type": "Default", **where}
    empty: dict[str, Value] = {array: [] for array in _ARRAYS}

    def tail(fields: dict[str, Value]) -> str:
        text = template(fields, 2)
        return text[text.index('"') :]

    refers: dict[str, Value] = {"reference": ANY}
    no_reference: dict[str, Value] = {"reference": None} if old else {}
    return Forms(
        minified=minified,
        document=(first + name, last),
        message=message[: message.index('"attachments"')] + "%s",
        plain=tail({**empty, **no_reference, **bare}),
        answer=tail({**empty, "reference": answered, **bare}),
        tail=tail({**_ARRAYS, **no_reference, **after}),
        referring=tail({**_ARRAYS, **refers, **after}),
        forwarding=tail({**_ARRAYS, **refers, "forwardedMessage": ANY, **after}),
        author=template(_AUTHOR, 3),
        mention=template(_USER, 4),
        reaction=template({"emoji": _EMOJI, "count": ANY}, 4),
        emoji=template(_EMOJI, 4),
        attachment=template(_ATTACHMENT, 4),
        embed=template(_EMBED, 4),
        sticker=template(_STICKER, 4),
        reference=template(_WHERE if old else {"type": TEXT, **_WHERE}, 3),
        forwarded=template(_FORWARDED, 3),
        role=template({"id": TEXT, "name": TEXT, "color": ANY, "position": ANY}, 5),
        between="," if minified else ",\n    ",
    )
