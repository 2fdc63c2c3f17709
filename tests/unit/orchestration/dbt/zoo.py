"""Forms of Jinja that models may have: those that are plain, and those that only dbt can tell."""

from __future__ import annotations

from pathlib import Path

import yaml

from headgate.orchestration.project import Project

MACROS = """
{% macro cents(column, digits=2) %}
    round({{ column }} / 100.0, {{ digits }})
{%- endmacro %}

{%- macro platforms() -%}
    {{ return(['irc', 'discord']) }}
{%- endmacro -%}

{# It calls others, and takes what a model hands it. #}
{% macro pivoted(column, prefix='is_') -%}
    {% for platform in platforms() -%}
        {{ column }} = '{{ platform }}' as {{ prefix }}{{ platform }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro messages_of(platform) %}
    (select * from {{ ref('stg_irc__messages') }} where '{{ platform }}' = '{{ var("chosen") }}')
{% endmacro %}

{% macro only_new(column) %}
    {% if is_incremental() %} where {{ column }} in (select {{ column }} from touched) {% endif %}
{% endmacro %}

{% macro counted(n) %}{% if n > 0 %}{{ n }}, {{ counted(n - 1) }}{% else %}0{% endif %}{% endmacro %}

{% test is_even(model, column_name) %} select 1 from {{ model }} where {{ column_name }} % 2 {% endtest %}

{% macro asking() %}{% set found = run_query('select 1') %}{{ found }}{% endmacro %}
{% macro wrapped() %}({{ caller() }}){% endmacro %}
"""

#: Models without contracts; each is a view, so that dbt compiles it by itself.
PLAIN = {
    "set_and_for": """
        {% set columns = ['a', "b"] %}
        select {% for c in columns %} {{ loop.index }} as {{ c }}{% if not loop.last %},{% endif %}
        {% else %} 1 {% endfor %}
    """,
    "conditions": """
        {% set n = 3 %}{% set m = none %}
        select {{ 'x' if n > 2 and not m else 'y' }}
        {%- if n is divisibleby 2 %} as even{% elif n is odd and m is none %} as odd{% else %} as no
        {%- endif %}, {{ n * 2 + 1 }} as more, {{ [1, 2, 3][1:] | length }} as rest
    """,
    "filters": """
        {% set words = [' b', 'A ', ' b'] %}
        select '{{ words | map('trim') | map('lower') | unique | sort | join("', '") }}' as w,
        {{ words | length }} as n, '{{ "Ab" | upper | replace("A", "C") }}' as u,
        {{ none | default(7, true) }} as d, {{ '3' | as_number }} as number
    """,
    "white_space": """
        {#- nothing -#}
        select   1 as a {%- set x = 1 %},
        {{- ' 2 as b' -}}  , 3   as c
        {% raw %}-- {{ not rendered }}{% endraw %}
    """,
    "blocks": """
        {% set text %} 'it''s' {% endset %}{% filter upper %} select {% endfilter %} {{ text }} as t
        {% with y = 5 %}, {{ y }} as y{% endwith %}
    """,
    "lists": """
        {% set found = [] %}{% set seen = namespace(n=0) %}
        {% for n in range(6) %}{% if n == 1 %}{% continue %}{% endif %}{% if n == 4 %}{% break %}
        {% endif %}{% do found.append(n) %}{% set seen.n = seen.n + n %}{% endfor %}
        {% set kinds = {'a': 'bigint', 'b': 'date'} %}
        select {{ found | join(' + ') }} as total, {{ seen.n }} as n
        {%- for name, kind in kinds.items() %}, cast(null as {{ kind }}) as {{ name }}{% endfor %}
        , '{{ "%s-%s" | format(1, 2) }}' as f, '{{ "a,b".split(",")[0].upper() ~ 1 }}' as s
    """,
    "macros": """
        select {{ cents('1250') }} as a, {{ cents('7', digits=1) }} as b, {{ pivoted('author') }},
        {{ counted(3) }} as n, {{ (platforms() | length) + 1 }} as p
        from {{ messages_of('irc') }}
    """,
    "variables": """
        select '{{ var("chosen") }}' as a, '{{ var("of_ours") }}' as b, {{ var("no", 3) }} as c,
        '{{ env_var("HEADGATE_NO_SUCH", "usual") }}' as d, {{ var("numbers")[1] + 1 }} as e,
        '{{ target.name }}' as t, '{{ target.type }}' as u
    """,
    "private_inside": """
        -- A comment, and a WITH of its own.
        with /* again */ mine as (select * from {{ ref('zoo_private') }})
        select * from mine union all select * from {{ ref('headgate', 'zoo_private') }} as again
    """,
    "private_recursive": """
        with recursive n as (select 1 as i union all select i + 1 from n where i < 3)
        select n.i, p.* from n cross join {{ ref('zoo_deep') }} as p
    """,
    "private_without_with": "select * from {{ ref('zoo_deep') }} where '(' = ')' -- with",
    "relations": """
        {% set it = source('bronze_irc', 'messages') %}
        select '{{ it.schema }}' as s, '{{ it.identifier }}' as i, '{{ it.name }}' as n
        from {{ it }} join {{ ref('fct_messages') }} as m on true
    """,
    "inert_config": """
        {{ config(tags=['x'], meta={'a': 1}, docs={'show': false}) }}
        select 1 as one
    """,
}

#: What only dbt can tell, with a word of the reason.
NOT_PLAIN = {
    "asks_the_database": ("{% set r = run_query('select 1') %} select 1 as a", "run_query"),
    "asks_by_statement": (
        "{% call statement('x', fetch_result=true) %} select 1 {% endcall %} select 1 as a",
        "call",
    ),
    "asks_in_a_macro": ("select '{{ asking() }}' as a", "run_query"),
    "asks_the_adapter": ("select '{{ adapter.quote('a') }}' as a", "adapter"),
    "knows_its_phase": ("select {{ 1 if execute else 2 }} as a", "execute"),
    "reads_the_graph": ("select {{ graph.nodes | length }} as a", "graph"),
    "reads_its_node": ("select '{{ model.name }}' as a", "model"),
    "reads_the_time": ("select '{{ run_started_at }}' as a", "run_started_at"),
    "reads_modules": ("select '{{ modules.datetime.date.today() }}' as a", "modules"),
    "uses_a_package": ("select {{ dbt.current_timestamp() }} as a", "dbt"),
    "says_something": ("{{ log('hello') }} select 1 as a", "log"),
    "has_a_hook": ("{{ config(pre_hook='select 1') }} select 1 as a", "pre_hook"),
    "is_a_table": ("{{ config(materialized='table') }} select 1 as a", "materialized"),
    "is_disabled": ("{{ config(enabled=false) }} select 1 as a", "enabled"),
    "asks_its_config": ("select '{{ config.get('tags') }}' as a", "config"),
    "hands_a_function_on": ("{% set f = ref %} select 1 as a", "ref"),
    "names_a_version": ("select * from {{ ref('zoo_private', v=1) }}", "version"),
    "names_a_database": ("select * from {{ ref('fct_messages').include(schema=false) }}", "include"),
    "names_itself": ("select '{{ this }}' as a", "this"),
    "knows_the_connection": ("select '{{ target.path }}' as a", "target.path"),
    "throws_dice": ("select {{ [1, 2] | random }} as a", "random"),
    "wraps": ("select {% call wrapped() %} 1 {% endcall %} as a", "call"),
    "misses_a_variable": ("select {{ var('no_such') }} as a", "no_such"),
    "has_a_template_for_a_variable": ("select {{ var('template') }} as a", "template"),
    "misses_the_environment": ("select '{{ env_var('HEADGATE_NO_SUCH') }}' as a", "HEADGATE_NO_SUCH"),
    "defines_a_macro": ("{% macro own() %} 1 {% endmacro %} select {{ own() }} as a", "macro"),
}  # fmt: skip

_PRIVATE = {
    "zoo_deep": "-- It is inside another.\nselect author, '{{ var('chosen') }}' as chosen\n"
    "from {{ source('bronze_irc', 'messages') }} -- and ends so",
    "zoo_private": "with a as (select * from {{ ref('zoo_deep') }}) select * from a",
}
#: A model with a contract, which is built incrementally.
CONTRACTED = """
{{ config(tags='zoo') }}
with
{% if is_incremental() %}
    touched as (
        select sent_date from {{ changed('silver.chat.messages', 'sent_date') }}
        except select sent_date from {{ this }}
        union select sent_date from
        {{ changed('silver.chat.messages', 'sent_date', 'reply_to_message_id', 'message_id') }}
    ),
{% endif %}
messages as (select * from {{ ref('int_chat__messages') }} {{ only_new('sent_date') }})
select m.* from messages as m left join {{ ref('zoo_private') }} as p on true
"""


def put(project: Project) -> None:
    """Write the plain forms into a project, with what they use."""
    folder = project.settings.dbt_path
    (folder / "macros" / "zoo.sql").write_text(MACROS)
    for name, sql in _PRIVATE.items():
        write(project, name, sql)
    for name, sql in PLAIN.items():
        write(project, f"zoo_{name}", "{{ config(materialized='view') }}" + sql)
    said = yaml.safe_load((folder / "dbt_project.yml").read_text())
    said["vars"] = {
        "chosen": "irc", "of_ours": "theirs", "numbers": [1, 2], "template": "{{ 1 + 1 }}",
        "headgate": {"of_ours": "ours"},
    }  # fmt: skip
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(said))
    write(project, "zoo_contracted", CONTRACTED)
    contracts = project.settings.contracts_path
    known = yaml.safe_load(
        (contracts / "community/gold_fct_messages/contract.odcs.yaml").read_text()
    )
    known["name"], known["id"] = "gold.community.zoo_contracted", "zoo"
    (contracts / "community/zoo").mkdir()
    (contracts / "community/zoo/contract.odcs.yaml").write_text(yaml.safe_dump(known))


def write(project: Project, name: str, sql: str) -> Path:
    """A model's file."""
    path = project.settings.dbt_path / "models" / f"{name}.sql"
    path.write_text(sql)
    return path
