{#
    What private models and tests ask is looked at before the engine gets it, as contracted models
    are (macros/materializations/delta.sql): one SELECT, over what ref() and source() give.
#}
{% macro duckdb__create_view_as(relation, sql) -%}
    {%- do adapter.store_relation('plugin', relation, [], model.name, 'check', config) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    {{ config.get('sql_header') or '' }}
    create view {{ relation }} as (
        {{ sql }}
    );
{%- endmacro %}


{% macro duckdb__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {%- do adapter.store_relation('plugin', none, [], model.name, 'check', config) -%}
    {{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}
