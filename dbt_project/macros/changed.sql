{#
    The values of a column that were touched in a dataset since this model last read it: a relation
    with that one column. Rows that were added, edited or deleted touch their value, before and
    after. In a full build every value is touched.

        {% if is_incremental() %}
        where sent_date in (select sent_date from {{ changed('silver.chat.messages', 'sent_date') }})
        {% endif %}

    Whatever the model gives for these values replaces what its table has for them, in the column
    that the contract names as headgate.unitOfChange.
#}
{% macro changed(dataset, column) -%}
    headgate_changed."{{ model.name }}|{{ dataset }}|{{ column }}"
{%- endmacro %}


{# Whether this build may recompute only what changed; the plugin knows, from the last commit. #}
{% macro is_incremental() %}
    {%- if not execute or model.config.materialized != 'delta' or should_full_refresh() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set found = run_query(
        "select incremental from headgate_changed.builds where model = '" ~ model.name ~ "'"
    ) -%}
    {{ return(found.rows | length > 0 and found.rows[0][0]) }}
{% endmacro %}
