"""A contract's rules as a Great Expectations suite: plain JSON, made without importing it."""

from __future__ import annotations

#: The expectation that says the same as each kind of rule.
EXPECTATIONS = {
    "required": "expect_column_values_to_not_be_null",
    "max_length": "expect_column_value_lengths_to_be_between",
    "min_length": "expect_column_value_lengths_to_be_between",
    "pattern": "expect_column_values_to_match_regex",
    "format": "expect_column_values_to_match_regex",
    "minimum": "expect_column_values_to_be_between",
    "maximum": "expect_column_values_to_be_between",
    "accepted_values": "expect_column_values_to_be_in_set",
    "row_count": "expect_table_row_count_to_be_between",
    "null_share": "expect_column_proportion_of_non_null_values_to_be_between",
    "unique": "expect_compound_columns_to_be_unique",
}
#: What says everything else: a query for the rows that break the rule.
QUERY = "unexpected_rows_expectation"
