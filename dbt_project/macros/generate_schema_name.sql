{# A model's schema is its contract's `<layer>_<domain>`, as it is; private models stay in main. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
