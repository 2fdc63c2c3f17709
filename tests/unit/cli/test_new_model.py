"""A drafted model contract: types, key and unit are what the SQL says, classes are taken over, not lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from headgate.cli import checks
from headgate.cli.main import invoke
from headgate.cli.new import grain
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.orchestration.project import Project

NEW = "gold.community.fct_new"


def drafted(project: Project, sql: str, *more: str) -> Contract:
    path = project.settings.dbt_path / "models/marts/community/fct_new.sql"
    path.write_text(sql)
    assert invoke(["new", "model", NEW, *more]) == 0
    return Project.open(project.settings.root).contracts[NEW]


def test_a_column_keeps_its_class_under_another_name(project: Project) -> None:
    contract = drafted(
        project,
        """
        with renamed as (select author_id as who, message_id, words as n, content as said
                         from {{ ref('int_chat__messages') }}
                         join {{ ref('fct_messages') }} using (message_id, author_id))
        select message_id, who, n, upper(said) as loud, length(said) as size, 1 as one,
               case when n > 3 then 'long' else 'short' end as kind
        from renamed
        """,
    )
    silver = project.contracts["silver.chat.messages"]
    found: dict[str, Any] = {c.name: c for c in contract.columns}
    assert found["who"].description == silver.column("author_id").description
    assert found["n"].description == project.contracts["gold.community.fct_messages"].column(
        "words"
    ).description  # fmt: skip
    assert {c.name: c.personal for c in contract.columns} == {
        "message_id": silver.column("message_id").personal, "who": True, "n": False,
        "loud": True, "size": True, "one": False, "kind": False,
    }  # fmt: skip
    for name, of in (("who", "author_id"), ("loud", "content"), ("size", "content")):
        assert found[name].classification == silver.column(of).classification
    assert found["loud"].description.startswith("TODO")
    assert "content" in found["size"].description and "personal" in found["size"].description
    assert contract.key == ("message_id",)


def test_any_type_that_a_contract_has_is_drafted(project: Project) -> None:
    contract = drafted(
        project,
        "select platform, author_id, count(*) as n, avg(words)::decimal(12, 4) as mean,\n"
        "    list(distinct sent_date) as days, list([words]) as nested, max(sent_at) as latest,\n"
        "    sum(words)::double as share, bool_or(is_reply) as replied, 1::integer as i\n"
        "from {{ ref('fct_messages') }} group by 1, author_id\n",
    )
    assert {c.name: c.type for c in contract.columns} == {
        "platform": "string", "author_id": "string", "n": "long", "mean": "decimal(12,4)",
        "days": "array<date>", "nested": "array<array<long>>", "latest": "timestamp",
        "share": "double", "replied": "boolean", "i": "integer",
    }  # fmt: skip
    assert contract.key == ("platform", "author_id")
    assert {r.severity for r in contract.row_rules} == {"fail"}
    assert list(checks.CHECKS["queries"](Project.open(project.settings.root))) == []


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("sum(words) as total", "total is HUGEINT; write cast(total as bigint) as total"),
        ("{'a': 1} as s", "s is STRUCT(a INTEGER); write cast(to_json(s) as varchar) as s"),
        ("max(sent_at)::timestamp as t", "t is TIMESTAMP; write t at time zone 'UTC' as t"),
        ("1::tinyint as t", "cast(t as integer)"),
        ("count(*)", "write … as count_star"),
        ("max(wordz) as w", r"fct_new\.sql:3: Binder Error.*wordz"),
        ("{{ this.is.no(template) }}", "fct_new.sql"),
    ],
)
def test_what_cannot_be_promised_is_told_and_nothing_written(
    project: Project, capsys: pytest.CaptureFixture[str], expression: str, told: str
) -> None:
    path = project.settings.dbt_path / "models/marts/community/fct_new.sql"
    path.write_text(
        f"select\n    channel_id,\n    {expression}\nfrom {{{{ ref('fct_messages') }}}}\ngroup by 1\n"
    )
    assert invoke(["new", "model", NEW]) in (1, 2)
    said = capsys.readouterr().err
    assert told in said or re.search(told, said), said
    assert "Traceback" not in said and "defect" not in said
    assert not (project.settings.contracts_path / "community/gold_fct_new").exists()


INCREMENTAL = """
with
{% if is_incremental() %}
    touched as (
        select date_trunc('week', sent_date)::date as week
        from {{ changed('gold.community.fct_messages', 'sent_date') }}
    ),
{% endif %}
weeks as (
    select date_trunc('week', sent_date)::date as week, s.channel_name, c.conversation_id,
           count(*) as messages
    from {{ ref('fct_messages') }}
    left join {{ ref('stg_discord__channels') }} as s using (channel_id)
    left join {{ source('silver_chat', 'conversations') }} as c on c.conversation_id = message_id
    group by all
)
select * from weeks
{% if is_incremental() %}
where week in (select week from touched)
{% endif %}
"""


def test_an_incremental_model_over_anything_that_can_be_read(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = drafted(project, INCREMENTAL)
    told = capsys.readouterr().out
    assert contract.unit_of_change == "week"
    assert contract.column("week").required
    assert contract.key == ("week", "channel_name", "conversation_id")
    assert "Unit of change: week" in told and f"headgate preview {NEW}" in told
    assert invoke(["check", "--json"]) == 0
    (left,) = hjson.loads(capsys.readouterr().out)
    assert (left["check"], left["to_say"]) == ("drafts", True)
    assert "purpose, what one row is" in left["problem"] and "column messages" in left["problem"]
    assert "column conversation_id" not in left["problem"], (
        "a conversation's id means what it meant"
    )
    text = contract.path.read_text("utf-8")
    contract.path.write_text(re.sub(r"TODO: say[^.]*\.", "Said.", text))
    said = Project.open(project.settings.root).contracts[NEW]
    assert list(checks.unsaid(said.document)) == []


def test_the_unit_may_be_what_changed_itself(project: Project) -> None:
    contract = drafted(
        project,
        "select sent_date, count(*) as n from {{ ref('fct_messages') }}\n"
        "{% if is_incremental() %}\nwhere sent_date in (select sent_date from "
        "{{ changed('gold.community.fct_messages', 'sent_date') }})\n{% endif %}\ngroup by 1\n",
    )
    assert contract.unit_of_change == "sent_date"


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        ("select a, b, count(*) n from t group by a, b", ["a", "b"]),
        ("select count(*) n, lower(a) as low from t group by 2", ["low"]),
        ("select lower(a) as low, max(b) m from t group by lower(a)", ["low"]),
        ("select a as x, sum(b) s from t group by all", ["x"]),
        ("select a, sum(b) s from t group by a, c", None),
        ("select distinct a, b from t", ["a", "b"]),
        ("select a, b from t", None),
        ("select a, b from t qualify row_number() over (partition by a order by b) = 1", ["a"]),
        ("select a, b from t qualify row_number() over (partition by c order by b) = 1", None),
        ("with g as (select a, count(*) n from t group by 1) select a as x, n from g", ["x"]),
        ("with g as (select a, count(*) n from t group by 1) select n from g", None),
        ("with g as (select a, count(*) n from t group by 1) select * from g where n > 1", ["a"]),
        ("with g as (select a from t group by 1) select * from g join u using (a)", None),
        ("select * from (select a, max(b) m from t group by a)", ["a"]),
        ("select a from t union select a from u", ["a"]),
        ("select a from t union all select a from u", None),
        ("select max(a) m from t", None),
        ("selec", None),
    ],
)
def test_the_grain_is_what_the_syntax_says(sql: str, key: list[str] | None) -> None:
    assert grain.grain(sql) == key


@pytest.mark.parametrize(
    ("template", "unit"),
    [
        (INCREMENTAL, "week"),
        ("with touched as materialized (select ')' as a, b from x) select 1", None),
        ("with touched as (select u from {{ changed('x', 'y') }} union select 'a:' || v) select 1",
         "u"),
        ("select 1", None),
    ],
)  # fmt: skip
def test_the_unit_is_the_first_column_of_touched(template: str, unit: str | None) -> None:
    assert grain.touched_unit(template) == unit


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("length(messages.content) as characters", "length(messages.kontent) as characters",
         "kontent"),
        ("length(messages.content) as characters", "messages.content as characters",
         "characters is VARCHAR, and BIGINT by the contract"),
        ("length(messages.content) as characters", "length(messages.content) as size",
         "characters is missing; size is not in the contract"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_is_found_before_any_run(
    project: Project, old: str, new: str, told: str
) -> None:
    (path,) = project.settings.dbt_path.rglob("fct_messages.sql")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new))
    findings = list(checks.CHECKS["queries"](project))
    assert any(told in problem and "fct_messages.sql" in place for place, problem in findings)
