"""Column lineage of SQL as a person reads it: written down by hand, before anything told it.

The words are those of OpenLineage's column lineage facet, and where the facet leaves something open,
those of its reference implementation:

- IDENTITY: the value as it is, also through an alias, a CASE branch or COALESCE; TRANSFORMATION: made
  from it, row by row (a cast and a part of a struct too); AGGREGATION: from several rows.
- CONDITIONAL: what IF, CASE or COALESCE test; WINDOW: partition and order of a window; FILTER: WHERE,
  HAVING, QUALIFY, an aggregate's FILTER; SORT: order under a limit, inside an aggregate, DISTINCT ON;
  GROUP_BY: grouping and DISTINCT; JOIN: conditions of joins, and lists that are unnested.
- Every way in which an input takes part is told. Of two indirect ways, one inside the other, the
  outer one is: a window in a CASE's condition is CONDITIONAL.
- What decides rows is told once, of the rows, not of every column. A subquery that gives one value
  gives its filters to that column.

``o``, ``c`` and ``r`` stand for bronze.shop.orders, .customers and .rates.
"""

from __future__ import annotations

from dataclasses import dataclass

DATASETS = {"o": "bronze.shop.orders", "c": "bronze.shop.customers", "r": "bronze.shop.rates"}
SCHEMAS = {
    "bronze_shop.orders": {
        "order_id": "BIGINT",
        "customer_id": "BIGINT",
        "placed_at": "TIMESTAMP",
        "placed_on": "DATE",
        "amount": "DOUBLE",
        "discount": "DOUBLE",
        "status": "VARCHAR",
        "note": "VARCHAR",
        "items": "VARCHAR[]",
        "address": "STRUCT(city VARCHAR, zip VARCHAR)",
    },
    "bronze_shop.customers": {
        "customer_id": "BIGINT",
        "name": "VARCHAR",
        "country": "VARCHAR",
        "referred_by": "BIGINT",
    },
    "bronze_shop.rates": {"country": "VARCHAR", "rate": "DOUBLE", "valid_from": "DATE"},
}


@dataclass(frozen=True)
class Truth:
    """One query, its columns in order, and what each and the rows follow from.

    A place is ``<o|c|r>.<column> <WAY> [<WAY> …]``, several are parted by commas.
    """

    name: str
    sql: str
    columns: dict[str, str]
    rows: str = ""


EXPRESSIONS = [
    Truth(
        "renamed",
        "select order_id, customer_id as buyer, o.status from bronze_shop.orders as o",
        {
            "order_id": "o.order_id IDENTITY",
            "buyer": "o.customer_id IDENTITY",
            "status": "o.status IDENTITY",
        },
    ),
    Truth(
        "computed",
        """select amount - coalesce(discount, 0) as net, upper(status) as status,
            cast(placed_at as date) as day, 1 as one, (amount) as bare, try_cast(note as int) as number
        from bronze_shop.orders""",
        {
            "net": "o.amount TRANSFORMATION, o.discount TRANSFORMATION CONDITIONAL",
            "status": "o.status TRANSFORMATION",
            "day": "o.placed_at TRANSFORMATION",
            "one": "",
            "bare": "o.amount IDENTITY",
            "number": "o.note TRANSFORMATION",
        },
    ),
    Truth(
        "predicates",
        """select amount between discount and 100 as fair, note like 'a%' as is_a, note is null as empty,
            not (status = 'x') as other, status in ('paid', note) as listed
        from bronze_shop.orders""",
        {
            "fair": "o.amount TRANSFORMATION, o.discount TRANSFORMATION",
            "is_a": "o.note TRANSFORMATION",
            "empty": "o.note TRANSFORMATION",
            "other": "o.status TRANSFORMATION",
            "listed": "o.status TRANSFORMATION, o.note TRANSFORMATION",
        },
    ),
    Truth(
        "cases",
        """select
            case when status = 'paid' then amount when discount > 0 then amount - discount else 0 end as due,
            case status when 'paid' then note else 'open' end as label,
            if(amount > 10, note, status) as pick,
            coalesce(note, status) as text,
            nullif(note, status) as odd
        from bronze_shop.orders""",
        {
            "due": "o.amount IDENTITY TRANSFORMATION, o.discount TRANSFORMATION CONDITIONAL, "
            "o.status CONDITIONAL",
            "label": "o.note IDENTITY, o.status CONDITIONAL",
            "pick": "o.amount CONDITIONAL, o.note IDENTITY, o.status IDENTITY",
            "text": "o.note IDENTITY CONDITIONAL, o.status IDENTITY CONDITIONAL",
            "odd": "o.note IDENTITY CONDITIONAL, o.status CONDITIONAL",
        },
    ),
    Truth(
        "windows",
        """select order_id,
            row_number() over (partition by customer_id order by placed_at) as nth,
            sum(amount) over (partition by customer_id order by placed_at
                rows between unbounded preceding and current row) as so_far,
            lag(amount) over (partition by customer_id order by placed_at) as before,
            placed_at - lag(placed_at) over log as gap,
            count(*) over () as everything,
            rank() over (order by amount desc) as place
        from bronze_shop.orders
        window log as (partition by customer_id order by placed_at)""",
        {
            "order_id": "o.order_id IDENTITY",
            "nth": "o.customer_id WINDOW, o.placed_at WINDOW",
            "so_far": "o.amount AGGREGATION, o.customer_id WINDOW, o.placed_at WINDOW",
            "before": "o.amount TRANSFORMATION, o.customer_id WINDOW, o.placed_at WINDOW",
            "gap": "o.placed_at TRANSFORMATION WINDOW, o.customer_id WINDOW",
            "everything": "",
            "place": "o.amount WINDOW",
        },
    ),
    Truth(
        "window_in_condition",
        """select case when row_number() over (partition by customer_id order by placed_at) = 1
            then note end as first_note
        from bronze_shop.orders""",
        {"first_note": "o.note IDENTITY, o.customer_id CONDITIONAL, o.placed_at CONDITIONAL"},
    ),
    Truth(
        "grouped",
        """select customer_id, count(*) as orders, sum(amount) as spent,
            2 * max(amount - discount) as most, count(distinct status) as states
        from bronze_shop.orders where note is not null
        group by customer_id having sum(amount) > 10""",
        {
            "customer_id": "o.customer_id IDENTITY",
            "orders": "",
            "spent": "o.amount AGGREGATION",
            "most": "o.amount AGGREGATION, o.discount AGGREGATION",
            "states": "o.status AGGREGATION",
        },
        "o.customer_id GROUP_BY, o.note FILTER, o.amount FILTER",
    ),
    Truth(
        "aggregates",
        """select customer_id,
            count(*) filter (where status = 'paid') as paid,
            sum(amount) filter (where discount > 0) as reduced,
            string_agg(note, ', ' order by placed_at) as notes,
            arg_max(note, placed_at) as newest,
            list(order_id order by amount desc) as by_amount,
            median(amount) as middle,
            first(status order by placed_at) as first_status,
            sum(case when status = 'paid' then amount else 0 end) as paid_sum
        from bronze_shop.orders group by all""",
        {
            "customer_id": "o.customer_id IDENTITY",
            "paid": "o.status FILTER",
            "reduced": "o.amount AGGREGATION, o.discount FILTER",
            "notes": "o.note AGGREGATION, o.placed_at SORT",
            "newest": "o.note AGGREGATION, o.placed_at SORT",
            "by_amount": "o.order_id AGGREGATION, o.amount SORT",
            "middle": "o.amount AGGREGATION",
            "first_status": "o.status AGGREGATION, o.placed_at SORT",
            "paid_sum": "o.amount AGGREGATION, o.status CONDITIONAL",
        },
        "o.customer_id GROUP_BY",
    ),
    Truth(
        "window_over_groups",
        """select customer_id, sum(amount) as spent, rank() over (order by sum(amount) desc) as place,
            sum(sum(amount)) over () as total
        from bronze_shop.orders group by customer_id""",
        {
            "customer_id": "o.customer_id IDENTITY",
            "spent": "o.amount AGGREGATION",
            "place": "o.amount WINDOW",
            "total": "o.amount AGGREGATION",
        },
        "o.customer_id GROUP_BY",
    ),
    Truth(
        "joined",
        """select o.order_id, c.name, c.country as land, o.amount * r.rate as euros
        from bronze_shop.orders as o
        join bronze_shop.customers as c on o.customer_id = c.customer_id
        left join bronze_shop.rates as r on r.country = c.country and r.valid_from <= o.placed_on""",
        {
            "order_id": "o.order_id IDENTITY",
            "name": "c.name IDENTITY",
            "land": "c.country IDENTITY",
            "euros": "o.amount TRANSFORMATION, r.rate TRANSFORMATION",
        },
        "o.customer_id JOIN, c.customer_id JOIN, r.country JOIN, c.country JOIN, r.valid_from JOIN, "
        "o.placed_on JOIN",
    ),
    Truth(
        "using_inner",
        """select customer_id, order_id, name
        from bronze_shop.orders join bronze_shop.customers using (customer_id)""",
        {
            "customer_id": "o.customer_id IDENTITY",
            "order_id": "o.order_id IDENTITY",
            "name": "c.name IDENTITY",
        },
        "o.customer_id JOIN, c.customer_id JOIN",
    ),
    Truth(
        "using_right",
        """select customer_id, o.customer_id as theirs
        from bronze_shop.orders as o right join bronze_shop.customers using (customer_id)""",
        {"customer_id": "c.customer_id IDENTITY", "theirs": "o.customer_id IDENTITY"},
        "o.customer_id JOIN, c.customer_id JOIN",
    ),
    Truth(
        "using_full",
        """select customer_id, c.customer_id as ours
        from bronze_shop.orders full join bronze_shop.customers as c using (customer_id)""",
        {
            "customer_id": "o.customer_id IDENTITY CONDITIONAL, c.customer_id IDENTITY CONDITIONAL",
            "ours": "c.customer_id IDENTITY",
        },
        "o.customer_id JOIN, c.customer_id JOIN",
    ),
    Truth(
        "natural",
        "select name, country, rate from bronze_shop.customers natural join bronze_shop.rates",
        {"name": "c.name IDENTITY", "country": "c.country IDENTITY", "rate": "r.rate IDENTITY"},
        "c.country JOIN, r.country JOIN",
    ),
    Truth(
        "asof",
        """select o.order_id, r.rate from bronze_shop.orders as o
        asof join bronze_shop.rates as r on o.status = r.country and o.placed_on >= r.valid_from""",
        {"order_id": "o.order_id IDENTITY", "rate": "r.rate IDENTITY"},
        "o.status JOIN, r.country JOIN, o.placed_on JOIN, r.valid_from JOIN",
    ),
    Truth(
        "semi",
        """select * from bronze_shop.rates as r
        semi join bronze_shop.customers as c on r.country = c.country and c.name <> ''""",
        {
            "country": "r.country IDENTITY",
            "rate": "r.rate IDENTITY",
            "valid_from": "r.valid_from IDENTITY",
        },
        "r.country JOIN, c.country JOIN, c.name JOIN",
    ),
    Truth(
        "anti",
        """select country, rate from bronze_shop.rates
        anti join bronze_shop.customers using (country)""",
        {"country": "r.country IDENTITY", "rate": "r.rate IDENTITY"},
        "r.country JOIN, c.country JOIN",
    ),
    Truth(
        "self_joined",
        """select a.name, b.name as referrer, a.name || b.name as both_names
        from bronze_shop.customers as a
        left join bronze_shop.customers as b on a.referred_by = b.customer_id""",
        {
            "name": "c.name IDENTITY",
            "referrer": "c.name IDENTITY",
            "both_names": "c.name TRANSFORMATION",
        },
        "c.referred_by JOIN, c.customer_id JOIN",
    ),
    Truth(
        "star",
        "select * from bronze_shop.rates",
        {
            "country": "r.country IDENTITY",
            "rate": "r.rate IDENTITY",
            "valid_from": "r.valid_from IDENTITY",
        },
    ),
    Truth(
        "star_first",
        "from bronze_shop.rates where rate > 1",
        {
            "country": "r.country IDENTITY",
            "rate": "r.rate IDENTITY",
            "valid_from": "r.valid_from IDENTITY",
        },
        "r.rate FILTER",
    ),
    Truth(
        "star_of_two",
        """select c.* exclude (referred_by), r.* exclude (country), 1 as one
        from bronze_shop.customers as c, bronze_shop.rates as r where c.country = r.country""",
        {
            "customer_id": "c.customer_id IDENTITY",
            "name": "c.name IDENTITY",
            "country": "c.country IDENTITY",
            "rate": "r.rate IDENTITY",
            "valid_from": "r.valid_from IDENTITY",
            "one": "",
        },
        "c.country FILTER, r.country FILTER",
    ),
    Truth(
        "star_using",
        "select * from bronze_shop.customers join bronze_shop.rates using (country)",
        {
            "customer_id": "c.customer_id IDENTITY",
            "name": "c.name IDENTITY",
            "country": "c.country IDENTITY",
            "referred_by": "c.referred_by IDENTITY",
            "rate": "r.rate IDENTITY",
            "valid_from": "r.valid_from IDENTITY",
        },
        "c.country JOIN, r.country JOIN",
    ),
    Truth(
        "star_replaced",
        """select * exclude (customer_id) replace (upper(country) as country) rename (name as title)
        from bronze_shop.customers""",
        {
            "title": "c.name IDENTITY",
            "country": "c.country TRANSFORMATION",
            "referred_by": "c.referred_by IDENTITY",
        },
    ),
]

#: What may not be traced: it is refused, with words that name the construct.
REFUSED = {
    "pivot": "pivot bronze_shop.orders on status using sum(amount) group by customer_id",
    "a file": "select * from read_parquet('x.parquet')",
    "an unknown relation": "select a from bronze_shop.nothing",
    "an unknown column": "select nothing from bronze_shop.orders",
    "an ambiguous column": "select customer_id from bronze_shop.orders, bronze_shop.customers",
    "several statements": "select 1; select 2",
    "no select": "create table x as select 1",
    "columns by pattern": "select columns('c.*') from bronze_shop.orders",
    "no SQL": "select from where",
}
