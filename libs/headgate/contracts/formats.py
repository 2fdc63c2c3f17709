"""Well-known forms of texts, by the names that ODCS has for them, as RE2 patterns."""

from __future__ import annotations

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _ipv6() -> str:
    """Eight groups of hex digits, the last two perhaps as IPv4, or "::" for one or more of them."""
    forms = [f"({_H16}:){{7}}{_H16}", f"({_H16}:){{6}}{_IPV4}"]
    for before in range(8):
        left = f"{_H16}(:{_H16}){{{before - 1}}}" if before else ""
        room = 7 - before
        forms.append(f"{left}::" + (f"({_H16}(:{_H16}){{0,{room - 1}}})?" if room else ""))
        if room >= 2:
            forms.append(f"{left}::({_H16}:){{0,{room - 2}}}{_IPV4}")
    return "|".join(forms)


#: Each format and the pattern that matches the whole of a text that has it.
FORMATS = {
    name: f"^(?:{pattern})$"
    for name, pattern in {
        "uuid": "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "email": rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+",
        "uri": r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+",
        "hostname": rf"{_LABEL}(\.{_LABEL})*",
        "ipv4": _IPV4,
        "ipv6": _ipv6(),
        "time": r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?",
        "byte": "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    }.items()
}
