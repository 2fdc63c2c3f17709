"""From what a simulation says it put in to what the gate must say of it, dataset by dataset."""

from __future__ import annotations

from dataclasses import dataclass, field

from headgate.simulation.manifest import Manifest

#: What a record of messages is set aside for, by the kind of fault it was given. Faults that are
#: not here are published: NUL is a character, an unknown field is kept in ``_rescued``.
OF_MESSAGES = {
    "bad_type": "type_mismatch",
    "missing_field": "sent_at.required",
    "bad_timestamp": "invalid_timestamp",
    "too_long": "content.max_length",
    "lone_surrogate": "lone_surrogate",
    "conflict": "conflicting_key",
}
#: Faults for which nothing that stands in the message can be read, in any dataset.
OF_ALL = {
    "malformed": "malformed_json",
    "invalid_utf8": "invalid_utf8",
}


@dataclass(frozen=True)
class Expected:
    """What the gate must say of one dataset; ``reasons`` counts rows set aside by code."""

    read: int
    published: int
    deduplicated: int
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows that must be set aside."""
        return self.read - self.published - self.deduplicated


def of_first(manifest: Manifest) -> dict[str, Expected]:
    """What the gate must say of the delivery ``first``, by dataset."""
    totals, faults = manifest.totals("first"), manifest.faults("first")
    unread = {code: faults[kind] for kind, code in OF_ALL.items() if kind in faults}
    set_aside = {code: faults[kind] for kind, code in OF_MESSAGES.items() if kind in faults}
    if "conflict" in faults:
        # A message that contradicts another takes that one with it.
        set_aside["conflicting_key"] = 2 * faults["conflict"]
    messages, repeated = totals["messages"], faults.get("repeat", 0)
    lost, kept_out = sum(unread.values()), sum(set_aside.values())
    files = totals["files"]
    found = {
        "guilds": Expected(files, totals["guilds"], files - totals["guilds"]),
        "channels": Expected(files, totals["channels"], files - totals["channels"]),
        "messages": Expected(
            messages, messages - repeated - kept_out - lost, repeated, {**unread, **set_aside}
        ),
        # One author a message, and one row a member.
        "users": Expected(messages, totals["names"], messages - lost - totals["names"], unread),
    }
    for name in ("reactions", "attachments"):
        again = totals[f"{name}_again"]
        found[name] = Expected(totals[name] + lost, totals[name] - again, again, unread)
    return {f"bronze.chat.{name}": expected for name, expected in found.items()}
