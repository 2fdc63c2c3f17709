{#
    The values of a column that were touched in a dataset since this model last read it: a relation
    with that one column. Rows that were added, edited or deleted touch their value, before and
    after. In a full build every value is touched.

        {% if is_incremental() %}
        where sent_date in (select sent_date from {{ changed('silver.chat.messages', 'sent_date') }})
        {% endif %}

    Whatever the model gives for these values replaces what its table has for them, in the column
    that the contract names as headgate.unitOfChange.

    Where those values are called otherwise, or follow from the changed ones by a query, begin the
    model with a common table expression named `touched`, which gives them:

        with
        {% if is_incremental() %}
            touched as (
                select cast(sent_at as date) as sent_date
                from {{ changed('bronze.chat.messages', 'sent_at') }}
            ),
        {% endif %}

    Where a row says something of another row that it refers to (a reply of the message that it
    answers), it is touched with that: name the column that refers, and the one it refers to.

        {{ changed('silver.chat.messages', 'sent_date', 'reply_to_message_id', 'message_id') }}
#}
{% macro changed(dataset, column, refers=none, to=none) -%}
    {%- set link = '|' ~ refers ~ '|' ~ to if refers else '' -%}
    headgate_changed."{{ model.name }}|{{ dataset }}|{{ column }}{{ link }}"
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
