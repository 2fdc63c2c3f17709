"""Column lineage of Polars transforms, written down by hand before anything told it.

In the words of ``column_truth``, with the same three datasets. Each function takes frames of them,
as its parameters are named.
"""

from __future__ import annotations

import polars as pl

DATASETS = {"orders": "o", "customers": "c", "rates": "r"}


def renamed(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select("order_id", buyer=pl.col("customer_id"), one=pl.lit(1))


def computed(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.with_columns(net=pl.col("amount") - pl.col("discount")).select(
        "net",
        twice=pl.col("net") * 2,
        day=pl.col("placed_at").dt.date(),
        is_empty=pl.col("note").is_null(),
    )


def chosen(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select(
        due=pl.when(pl.col("status") == "paid")
        .then(pl.col("amount"))
        .otherwise(pl.col("amount") - pl.col("discount")),
        text=pl.coalesce("note", "status"),
    )


def grouped(orders: pl.LazyFrame) -> pl.LazyFrame:
    return (
        orders.filter(pl.col("note").is_not_null())
        .group_by("customer_id")
        .agg(
            orders=pl.len(),
            spent=pl.col("amount").sum(),
            paid=pl.col("amount").filter(pl.col("status") == "paid").sum(),
            newest=pl.col("order_id").sort_by("placed_at").last(),
        )
    )


def over_groups(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select(
        "order_id",
        total=pl.col("amount").sum().over("customer_id"),
        before=pl.col("amount").shift(1).over("customer_id", order_by="placed_at"),
        gap=pl.col("placed_at") - pl.col("placed_at").shift(1).over("customer_id"),
    )


def joined(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    return orders.join(customers, on="customer_id", how="left").select(
        "order_id", "customer_id", "name", label=pl.col("name") + pl.col("status")
    )


def half_joined(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    swedes = customers.filter(pl.col("country") == "SE")
    return orders.join(swedes, on="customer_id", how="semi").select("order_id")


def self_joined(customers: pl.LazyFrame) -> pl.LazyFrame:
    return customers.join(
        customers.select("customer_id", referrer="name"),
        left_on="referred_by",
        right_on="customer_id",
        how="left",
    ).select("name", "referrer")


def as_of(orders: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    return (
        orders.sort("placed_on")
        .join_asof(
            rates.sort("valid_from"),
            left_on="placed_on",
            right_on="valid_from",
            by_left="status",
            by_right="country",
            strategy="backward",
        )
        .select("order_id", "rate", euros=pl.col("amount") * pl.col("rate"))
    )


def stacked(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    return pl.concat(
        [
            orders.filter(pl.col("amount") > 0).select(id="customer_id", text="note"),
            customers.select(id="customer_id", text=pl.col("name").str.to_uppercase()),
        ]
    )


def exploded(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select("order_id", item="items").explode("item")


def distinct(customers: pl.LazyFrame) -> pl.LazyFrame:
    return customers.select("country", title=pl.col("name").str.to_uppercase()).unique()


#: Function to its columns and its rows.
FRAMES: dict[str, tuple[dict[str, str], str]] = {
    "renamed": (
        {"order_id": "o.order_id IDENTITY", "buyer": "o.customer_id IDENTITY", "one": ""},
        "",
    ),
    "computed": (
        {
            "net": "o.amount TRANSFORMATION, o.discount TRANSFORMATION",
            "twice": "o.amount TRANSFORMATION, o.discount TRANSFORMATION",
            "day": "o.placed_at TRANSFORMATION",
            "is_empty": "o.note TRANSFORMATION",
        },
        "",
    ),
    "chosen": (
        {
            "due": "o.amount IDENTITY TRANSFORMATION, o.discount TRANSFORMATION, "
            "o.status CONDITIONAL",
            "text": "o.note IDENTITY CONDITIONAL, o.status IDENTITY CONDITIONAL",
        },
        "",
    ),
    "grouped": (
        {
            "customer_id": "o.customer_id IDENTITY",
            "orders": "",
            "spent": "o.amount AGGREGATION",
            "paid": "o.amount AGGREGATION, o.status FILTER",
            "newest": "o.order_id AGGREGATION, o.placed_at SORT",
        },
        "o.note FILTER, o.customer_id GROUP_BY",
    ),
    "over_groups": (
        {
            "order_id": "o.order_id IDENTITY",
            "total": "o.amount AGGREGATION, o.customer_id WINDOW",
            "before": "o.amount TRANSFORMATION, o.customer_id WINDOW, o.placed_at WINDOW",
            "gap": "o.placed_at TRANSFORMATION, o.customer_id WINDOW",
        },
        "",
    ),
    "joined": (
        {
            "order_id": "o.order_id IDENTITY",
            "customer_id": "o.customer_id IDENTITY",
            "name": "c.name IDENTITY",
            "label": "c.name TRANSFORMATION, o.status TRANSFORMATION",
        },
        "o.customer_id JOIN, c.customer_id JOIN",
    ),
    "half_joined": (
        {"order_id": "o.order_id IDENTITY"},
        "c.country FILTER, o.customer_id JOIN, c.customer_id JOIN",
    ),
    "self_joined": (
        {"name": "c.name IDENTITY", "referrer": "c.name IDENTITY"},
        "c.referred_by JOIN, c.customer_id JOIN",
    ),
    "as_of": (
        {
            "order_id": "o.order_id IDENTITY",
            "rate": "r.rate IDENTITY",
            "euros": "o.amount TRANSFORMATION, r.rate TRANSFORMATION",
        },
        "o.placed_on JOIN, r.valid_from JOIN, o.status JOIN, r.country JOIN",
    ),
    "stacked": (
        {
            "id": "o.customer_id IDENTITY, c.customer_id IDENTITY",
            "text": "o.note IDENTITY, c.name TRANSFORMATION",
        },
        "o.amount FILTER",
    ),
    "exploded": (
        {"order_id": "o.order_id IDENTITY", "item": "o.items TRANSFORMATION"},
        "o.items JOIN",
    ),
    "distinct": (
        {"country": "c.country IDENTITY", "title": "c.name TRANSFORMATION"},
        "c.country GROUP_BY, c.name GROUP_BY",
    ),
}
