"""Well-known forms of texts, by the names that ODCS has for them."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted, text, wrong

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_H16 = "[0-9A-Fa-f]{1,4}"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
#: The texts of RFC 4291, section 2.2, without zones: eight groups, or fewer around one "::".
_IPV6 = "|".join(
    [
        f"({_H16}:){{7}}{_H16}",
        f"({_H16}:){{6}}{_IPV4}",
        *(
            f"({_H16}(:{_H16}){{0,{left - 1}}})?::" + tail if left else "::" + tail
            for left in range(8)
            for tail in ([f"({_H16}(:{_H16}){{0,{6 - left}}})?"] if left < 7 else [""])
            + ([f"({_H16}:){{0,{5 - left}}}{_IPV4}"] if left < 6 else [])
        ),
    ]
)
#: Each format and the pattern that the whole text must match.
FORMATS = {
    "uuid": "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "email": rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+",
    "hostname": rf"{_LABEL}(\.{_LABEL})*",
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "byte": "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}


def _holds(rule: Rule, scope: RowScope) -> str:
    scope.type_of(rule, "string")
    name = rule.arguments.get("value")
    if name not in FORMATS:
        raise wrong(rule, name, f"one of {', '.join(FORMATS)} (else write a pattern)")
    whole = text(f"^(?:{FORMATS[name]})$")
    return f"(regexp_matches({quoted(rule.column or '')}, {whole})) IS NOT FALSE"


KINDS = (
    RowKind(
        name="format",
        doc=f"The text has a well-known form: {', '.join(FORMATS)} (base64).",
        odcs="logicalTypeOptions: {format: uuid}",
        example="'not-a-uuid'",
        arguments={"value": "the name of the form"},
        holds=_holds,
    ),
)
