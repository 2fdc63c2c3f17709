"""Which of DuckDB's functions make one value of several rows."""

from __future__ import annotations

from typing import Any

_AGGREGATES = """
any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null
arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and
bit_or bit_xor bitstring_agg bool_and bool_or combine_aggr corr count count_if count_star
countif covar_pop covar_samp decimal_average entropy favg first fsum geomean group_concat
histogram histogram_exact kahan_sum kurtosis kurtosis_pop last list listagg lttb mad max max_by
mean median min min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy
regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem
skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp
variance variant_group_array variant_group_object wavg weighted_avg
"""
#: Aggregates; a test holds the list against the catalogue of the DuckDB that is installed.
AGGREGATES = frozenset(_AGGREGATES.split())
#: Aggregates that give the first argument of the row in which the second is extreme.
BY_SECOND = frozenset(n for n in AGGREGATES if n.startswith("arg_m") or n.endswith("_by")) | {
    "argmax",
    "argmin",
}
#: The parser's classes that are no aggregates here, though it counts them among those.
_OF_ONE_ROW = {"FirstValue", "LastValue", "NthValue", "Lag", "Lead", "Rank", "DenseRank",
               "PercentRank", "CumeDist", "Ntile", "RowNumber", "Grouping", "GroupingId"}  # fmt: skip
_BY_SECOND_CLASSES = {"ArgMax", "ArgMin", "MaxBy", "MinBy"}


def name_of(call: Any) -> str:
    """The function's name as it is written, if the parser has no class for it, in lower case."""
    this = call.args.get("this")
    return this.lower() if isinstance(this, str) else ""


def is_aggregate(call: Any) -> bool:
    """Whether a function call of a syntax tree makes one value of several rows."""
    from sqlglot import exp

    if isinstance(call, exp.Anonymous | exp.AnonymousAggFunc):
        return name_of(call) in AGGREGATES
    kind = type(call).__name__
    return isinstance(call, exp.AggFunc) and kind not in _OF_ONE_ROW


def is_by_second(call: Any) -> bool:
    """Whether its second argument only says which row the first is taken of."""
    return type(call).__name__ in _BY_SECOND_CLASSES or name_of(call) in BY_SECOND
