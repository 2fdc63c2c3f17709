"""Expressions that both engines are asked, one by one and in one another."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
EXPRESSIONS: Sequence[str] = (
    # Numbers: widths, overflow, division by zero, the sign of a rest.
    "TRY(i1+i2)", "TRY(l1*l2)", "TRY(l1 % l2)", "TRY(i1/i2)", "d1/d2", "m1+m2", "TRY(m1*m2)",
    "TRY(m1%m2)", "TRY(m3*m1)", "TRY(m3+m3)", "TRY(m1+l1)", "TRY(l1*0.5)", "d1%d2", "d1*m1", "TRY(l1-l2)",
    "TRY(-l1)", "TRY(abs(l1))", "TRY(l1//l2)", "TRY(i1//i2)", "TRY(m1//m2)", "TRY(d1//d2)", "l1>>l2",
    "l1&l2", "trunc(d1)", "floor(d1)", "ceil(d1)", "nullif(d1,0)", "least(i1,l1,d1)", "greatest(d1,d2)",
    # Comparisons of unlike types, NaN, NULL, and which is which.
    "d1=d2", "d1<d2", "m1=d1", "m3=d1", "l1=d1", "l1=m1", "m1<m3", "i1=l1", "s1<s2", "dt1=ts1",
    "d1 IN (0.1,0.5)", "i1 BETWEEN 0 AND l1", "(i1 = 1) IS NOT FALSE", "b1 IS DISTINCT FROM b2",
    "dt1='2004-01-31'", "ts1 < TIMESTAMPTZ '2004-01-31 12:00:00+00:00'", "TRY(n1=l1)", "TRY(n1=d1)",
    "b1 AND b2", "b1 OR b2", "CASE WHEN b1 THEN i1 ELSE m1 END", "coalesce(i1,d1)",
    # What fails within TRY, and where it is looked at.
    "TRY(s1 <> 'abc' AND CAST(n1 AS INTEGER) > 1)", "TRY(s1 = 'abc' OR CAST(n1 AS INTEGER) > 1)",
    "TRY(CASE WHEN i1>0 THEN CAST(n1 AS INTEGER) > 1 ELSE l1*l2>0 END)",
    "TRY(coalesce(i1, CAST(n1 AS INTEGER)))",
    "COALESCE(TRY((l1 * l2 > 0 OR CAST(n1 AS DOUBLE)>1) IS NOT FALSE), FALSE)",
    # Casts.
    *(f"TRY_CAST(n1 AS {t})" for t in ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL(10,2)", "BOOLEAN")),
    *(f"TRY_CAST(d1 AS {t})" for t in ("INTEGER", "BIGINT", "DECIMAL(10,2)", "DECIMAL(18,10)", "BOOLEAN")),
    *(f"TRY_CAST(m1 AS {t})" for t in ("INTEGER", "VARCHAR", "DECIMAL(5,1)", "DOUBLE")),
    *(f"TRY_CAST(m3 AS {t})" for t in ("BIGINT", "VARCHAR", "DECIMAL(10,2)", "DOUBLE")),
    *(f"TRY_CAST(l1 AS {t})" for t in ("DOUBLE", "INTEGER", "VARCHAR", "DECIMAL(5,2)", "HUGEINT")),
    "CAST(b1 AS VARCHAR)", "CAST(b1 AS INTEGER)", "CAST(i1 AS BOOLEAN)", "CAST(dt1 AS VARCHAR)",
    "CAST(ts1 AS VARCHAR)", "CAST(ts1 AS DATE)", "CAST(dt1 AS TIMESTAMPTZ)", "TRY_CAST(td AS DATE)",
    "TRY_CAST(tt AS TIMESTAMPTZ)", "TRY_CAST(tt AS DATE)", "TRY_CAST(td AS TIMESTAMPTZ)",
    # Days and instants.
    *(f"date_trunc('{p}', {c})" for p in _PARTS for c in ("ts1", "dt1")),
    *(f"date_part('{p}', {c})" for p in (*_PARTS, "isodow", "dow", "doy", "isoyear", "epoch")
      for c in ("ts1", "dt1")),
    *(f"date_diff('{p}', ts1, ts2)" for p in (*_PARTS, "millisecond")),
    *(f"date_sub('{p}', ts1, ts2)" for p in ("minute", "second", "millisecond")),
    "date_diff('week',dt1,dt2)", "date_diff('day',dt1,dt2)", "dt1-dt2", "dt1 + 7", "dt1 - i2 % 100",
    "ts1-ts2 < to_days(3)", "ts1 < ts2 + to_minutes(3)", "dt1 + INTERVAL 1 DAY > ts1",
    "epoch(ts1)", "epoch_ms(ts1)", "epoch_us(ts1)", "isodow(dt1)", "strftime(dt1,'%Y-%m-%d')",
    "strftime(ts1,'%Y/%m/%dT%H:%M:%S.%f %j %%')", "timezone('UTC', ts1)",
    # Texts.
    "s1||s2", "s1||i1", "concat(s1,i1,s2)", "length(s1)", "strlen(s1)", "lower(s1)", "substr(s1,2)",
    "substr(s1,1,2)", "trim(s1)", "ltrim(s1)", "rtrim(s1)", "replace(s1,'a','x')", "replace(s1,'','x')",
    "split_part(s1,'a',1)", "split_part(s1,'_',2)", "string_split(s1,'a')", "starts_with(s1,s2)",
    "ends_with(s1,s2)", "contains(s1,s2)", "s1 LIKE 'a_c'", "s1 LIKE 'a%'", "s1 LIKE '%\\%'",
    "s1 NOT LIKE '%b%'", "regexp_matches(s1,'^a')", "NOT regexp_matches(s1, '[\\x00-\\x1F\\x7F]')",
    "regexp_full_match(s1,'ab?')", "regexp_extract(s1,'(a)(b)?',2)", "regexp_replace(s1,'[ab]','x','g')",
    # Lists.
    "li[1]", "li[-1]", "li[0]", "li[l1]", "len(li)", "list_contains(li,1)", "list_contains(ls,s1)",
    "list_has_all(ls,['a','b'])", "list_has_any(ls,['a'])", "list_max(ld)", "list_min(ld)",
    "list_sort(list_distinct(li))", "list_sort(li)", "list_filter(li, lambda x: x > 1)", "[i1,l1]",
    "list_transform(li, lambda x: x % 2)", "len(list_distinct(ld))",
    "len(list_filter(string_split(s1, ' '), lambda word: word <> ''))",
    # JSON.
    "TRY(json_type(j))", "TRY(json_keys(j))",
    "TRY(len(CASE WHEN json_type(j)='ARRAY' THEN json_extract_string(j,'$[*]') END))",
    "TRY(len(list_distinct(CASE WHEN json_type(j)='ARRAY' THEN json_extract(j,'$[*]') END)))",
    # What stands in conditions: sets with NULL, empty texts, the other zero, edges of days and zones.
    "s1 IN ('a','b',NULL)", "s1 NOT IN ('a','')", "s1 BETWEEN 'a' AND 'b'", "coalesce(s1,'') = ''",
    "nullif(s1,'')", "s1 SIMILAR TO 'a.*'", "d1 = -0.0", "d1 BETWEEN -0.0 AND CAST('inf' AS DOUBLE)",
    "li = [1,NULL]", "li <> []", "array_length(li)", "mod(i1,3)", "TRY(m3/m1)", "TRY(m3*1.5)", "TRY(1/i1)",
    "dt1 > DATE '9999-12-30'", "dt1 + INTERVAL 1 MONTH", "ts1 - INTERVAL 1 YEAR", "weekofyear(dt1)",
    "ts1 < TIMESTAMPTZ '2262-04-11 23:47:16.854776+00:00'", "ts1 >= TIMESTAMPTZ '1582-10-10 00:00:00+05:45'",
    *(f"timezone('{zone}', ts1)" for zone in ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")),
    # What tells rows apart.
    "hash(i1) = hash(i2)", "hash(i1,s1) = hash(i2,s2)", "hash(li,ls) = hash(li,ls)",
)  # fmt: skip


@dataclass(frozen=True)
class Grammar:
    """Leaves of each kind, and what is made of them."""

    leaves: Mapping[str, Sequence[str]]

    def condition(self, rng: random.Random, depth: int) -> str:
        """A condition, so many levels deep."""
        if depth == 0:
            return rng.choice(self.leaves["boolean"])
        kind = rng.choice(("number", "number", "text", "day"))
        left, right = (self._of(kind, rng, depth - 1) for _ in range(2))
        sign = rng.choice(("=", "<>", "<", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"))
        compared = f"({left} {sign} {right})"
        inner = self.condition(rng, depth - 1)
        return rng.choice(
            (compared, f"({compared} AND {inner})", f"({compared} OR {inner})", f"(NOT {compared})",
             f"({compared} IS NOT FALSE)", f"(CASE WHEN {compared} THEN {inner} ELSE b2 END)")
        )  # fmt: skip

    def _of(self, kind: str, rng: random.Random, depth: int) -> str:
        if depth == 0 or rng.random() < 0.2:
            return rng.choice(self.leaves[kind])
        a, b = (self._of(kind, rng, depth - 1) for _ in range(2))
        if rng.random() < 0.15:
            return f"CASE WHEN {self.condition(rng, depth - 1)} THEN {a} ELSE {b} END"
        if rng.random() < 0.15:
            return f"coalesce({a}, {b})"
        if kind == "number":
            return rng.choice((f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} % {b})",
                               f"({a} / {b})", f"abs({a})", f"(- ({a}))", f"least({a}, {b})"))  # fmt: skip
        if kind == "text":
            return rng.choice(
                (f"({a} || {b})", f"lower({a})", f"substr({a}, 2)", f"nullif({a}, {b})")
            )
        return rng.choice((f"({a} + 7)", f"greatest({a}, {b})", f"CAST({a} AS DATE)"))


NESTED = Grammar(
    {
        "boolean": ("b1", "b2", "i1 > 0", "s1 LIKE 'a%'", "d1 > 0.5", "li[1] = 1", "l1 IS NULL"),
        "number": ("i1", "i2", "l1", "l2", "d1", "d2", "m1", "m2", "1", "0.5", "2147483647",
                   "CAST(n1 AS INTEGER)", "CAST(n1 AS BIGINT)", "CAST(n1 AS DOUBLE)", "length(s1)",
                   "CAST(d1 AS INTEGER)", "len(li)", "epoch_us(ts1)"),
        "text": ("s1", "s2", "n1", "'a'", "CAST(i1 AS VARCHAR)", "CAST(dt1 AS VARCHAR)"),
        "day": ("dt1", "dt2", "DATE '2004-01-31'"),
    }
)  # fmt: skip
