{#
    A contracted model: its rows go through the gate and become a version of its Delta table.

    The model becomes a view; the plugin stages the view's rows, has them judged by the contract,
    commits them (or raises, and the table is as it was), and shows the new version under the
    model's name.
#}
{% materialization delta, adapter='duckdb' %}

    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set built = make_intermediate_relation(target_relation, suffix='__built') -%}
    {%- set mode = 'incremental' if is_incremental() else 'full' -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {# Nothing of it is given to the engine before it is seen to read what it names, and no more. #}
    {% do adapter.store_relation('plugin', built, [], model.name, 'check', config) %}

    {% call statement('main') -%}
        {{ get_assert_columns_equivalent(sql) }}
        create or replace view {{ built }} as (
            {{ sql }}
        );
    {%- endcall %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {# The plugin has a connection of its own, which sees only what is committed. #}
    {{ adapter.commit() }}

    {# dbt-duckdb hands a location and a format through; ours are the model and the mode. #}
    {% do adapter.store_relation('plugin', built, [], model.name, mode, config) %}

    {{ drop_relation_if_exists(built) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}
