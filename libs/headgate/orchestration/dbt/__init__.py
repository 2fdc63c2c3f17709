"""dbt under the gate: what models read, what they are made of, and one dbt invocation in process."""
