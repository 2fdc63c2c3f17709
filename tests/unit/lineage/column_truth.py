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


TRUTHS = [
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
    Truth(
        "subquery",
        """select big.customer_id, big.total + 1 as more
        from (
            select customer_id, sum(amount) as total
            from bronze_shop.orders where status <> 'void' group by 1
        ) as big
        where big.total > 100""",
        {"customer_id": "o.customer_id IDENTITY", "more": "o.amount AGGREGATION"},
        "o.status FILTER, o.customer_id GROUP_BY, o.amount FILTER",
    ),
    Truth(
        "cte_chain",
        """with paid as (select * from bronze_shop.orders where status = 'paid'),
        daily as (
            select placed_on as day, customer_id, sum(amount) as amount
            from paid group by placed_on, customer_id
        ),
        ranked as (select *, row_number() over (partition by day order by amount desc) as place from daily)
        select day, customer_id, amount, place, place = 1 as is_first from ranked where place <= 3""",
        {
            "day": "o.placed_on IDENTITY",
            "customer_id": "o.customer_id IDENTITY",
            "amount": "o.amount AGGREGATION",
            "place": "o.placed_on WINDOW, o.amount WINDOW",
            "is_first": "o.placed_on WINDOW, o.amount WINDOW",
        },
        "o.status FILTER, o.placed_on GROUP_BY FILTER, o.customer_id GROUP_BY, o.amount FILTER",
    ),
    Truth(
        "cte_renamed_and_shadowing",
        """with rates (land, factor) as (select country, rate from bronze_shop.rates),
        twice as (
            with rates as (select land, factor * 2 as factor from rates)
            select * from rates
        )
        select rates.land, rates.factor, twice.factor as double_factor
        from rates join twice on rates.land = twice.land""",
        {
            "land": "r.country IDENTITY",
            "factor": "r.rate IDENTITY",
            "double_factor": "r.rate TRANSFORMATION",
        },
        "r.country JOIN",
    ),
    Truth(
        "case_then_sum",
        """with flagged as (
            select customer_id, case when status = 'paid' then amount end as paid from bronze_shop.orders
        )
        select customer_id, sum(paid) as paid from flagged group by customer_id""",
        {
            "customer_id": "o.customer_id IDENTITY",
            "paid": "o.amount AGGREGATION, o.status CONDITIONAL",
        },
        "o.customer_id GROUP_BY",
    ),
    Truth(
        "exists_filter",
        """select c.name from bronze_shop.customers as c
        where exists (
            select 1 from bronze_shop.orders as o where o.customer_id = c.customer_id and amount > 5
        )""",
        {"name": "c.name IDENTITY"},
        "o.customer_id FILTER, c.customer_id FILTER, o.amount FILTER",
    ),
    Truth(
        "exists_column",
        """select name, not exists (
            select note from bronze_shop.orders as o where o.customer_id = c.customer_id
        ) as is_idle
        from bronze_shop.customers as c""",
        {"name": "c.name IDENTITY", "is_idle": "o.customer_id FILTER, c.customer_id FILTER"},
    ),
    Truth(
        "in_filter",
        """select order_id from bronze_shop.orders
        where customer_id in (select customer_id from bronze_shop.customers where country = 'SE')""",
        {"order_id": "o.order_id IDENTITY"},
        "o.customer_id FILTER, c.customer_id FILTER, c.country FILTER",
    ),
    Truth(
        "in_column",
        """select customer_id not in (select referred_by from bronze_shop.customers where name <> '') as lone
        from bronze_shop.orders""",
        {"lone": "o.customer_id TRANSFORMATION, c.referred_by AGGREGATION, c.name FILTER"},
    ),
    Truth(
        "scalar_subqueries",
        """select order_id,
            (select max(rate) from bronze_shop.rates) as top_rate,
            (select c.name from bronze_shop.customers as c where c.customer_id = o.customer_id) as buyer,
            amount > (select avg(amount) from bronze_shop.orders) as is_big
        from bronze_shop.orders as o""",
        {
            "order_id": "o.order_id IDENTITY",
            "top_rate": "r.rate AGGREGATION",
            "buyer": "c.name IDENTITY, c.customer_id FILTER, o.customer_id FILTER",
            "is_big": "o.amount TRANSFORMATION AGGREGATION",
        },
    ),
    Truth(
        "union_all",
        """select customer_id as id, 'order' as kind, note as text from bronze_shop.orders where amount > 0
        union all
        select customer_id, 'customer', upper(name) from bronze_shop.customers""",
        {
            "id": "o.customer_id IDENTITY, c.customer_id IDENTITY",
            "kind": "",
            "text": "o.note IDENTITY, c.name TRANSFORMATION",
        },
        "o.amount FILTER",
    ),
    Truth(
        "union_distinct",
        "select country from bronze_shop.customers union select country from bronze_shop.rates",
        {"country": "c.country IDENTITY, r.country IDENTITY"},
        "c.country GROUP_BY, r.country GROUP_BY",
    ),
    Truth(
        "union_by_name",
        """select country, customer_id from bronze_shop.customers
        union all by name
        select rate, country from bronze_shop.rates""",
        {
            "country": "c.country IDENTITY, r.country IDENTITY",
            "customer_id": "c.customer_id IDENTITY",
            "rate": "r.rate IDENTITY",
        },
    ),
    Truth(
        "except_rows",
        "select country from bronze_shop.customers except select country from bronze_shop.rates",
        {"country": "c.country IDENTITY"},
        "c.country FILTER GROUP_BY, r.country FILTER",
    ),
    Truth(
        "intersect_rows",
        """select country, name from bronze_shop.customers
        intersect all select country, country from bronze_shop.rates""",
        {"country": "c.country IDENTITY", "name": "c.name IDENTITY"},
        "c.country FILTER, c.name FILTER, r.country FILTER",
    ),
    Truth(
        "distinct",
        "select distinct country, upper(name) as name from bronze_shop.customers",
        {"country": "c.country IDENTITY", "name": "c.name TRANSFORMATION"},
        "c.country GROUP_BY, c.name GROUP_BY",
    ),
    Truth(
        "distinct_on",
        """select distinct on (customer_id) customer_id, note from bronze_shop.orders
        order by customer_id, placed_at desc""",
        {"customer_id": "o.customer_id IDENTITY", "note": "o.note IDENTITY"},
        "o.customer_id GROUP_BY SORT, o.placed_at SORT",
    ),
    Truth(
        "qualified",
        """select order_id, amount from bronze_shop.orders
        qualify row_number() over (partition by customer_id order by placed_at desc) = 1""",
        {"order_id": "o.order_id IDENTITY", "amount": "o.amount IDENTITY"},
        "o.customer_id FILTER, o.placed_at FILTER",
    ),
    Truth(
        "qualified_by_alias",
        """select order_id, rank() over (order by amount) as place from bronze_shop.orders
        where status = 'paid' qualify place <= 3""",
        {"order_id": "o.order_id IDENTITY", "place": "o.amount WINDOW"},
        "o.amount FILTER, o.status FILTER",
    ),
    Truth(
        "limited",
        "select order_id, status as state from bronze_shop.orders order by amount desc, state limit 10",
        {"order_id": "o.order_id IDENTITY", "state": "o.status IDENTITY"},
        "o.amount SORT, o.status SORT",
    ),
    Truth(
        "ordered_only",
        "select order_id from bronze_shop.orders order by amount",
        {"order_id": "o.order_id IDENTITY"},
    ),
    Truth(
        "unnested_in_select",
        "select order_id, unnest(items) as item from bronze_shop.orders",
        {"order_id": "o.order_id IDENTITY", "item": "o.items TRANSFORMATION"},
        "o.items JOIN",
    ),
    Truth(
        "unnested_in_from",
        """select o.order_id, u.item, upper(item) as loud
        from bronze_shop.orders as o, unnest(o.items) as u (item)""",
        {
            "order_id": "o.order_id IDENTITY",
            "item": "o.items TRANSFORMATION",
            "loud": "o.items TRANSFORMATION",
        },
        "o.items JOIN",
    ),
    Truth(
        "lateral",
        """select o.order_id, best.name from bronze_shop.orders as o
        left join lateral (
            select c.name from bronze_shop.customers as c where c.customer_id = o.customer_id
            order by c.country limit 1
        ) as best on best.name <> o.status""",
        {"order_id": "o.order_id IDENTITY", "name": "c.name IDENTITY"},
        "c.customer_id FILTER, o.customer_id FILTER, c.country SORT, c.name JOIN, o.status JOIN",
    ),
    Truth(
        "structs",
        """select address.city as city, o.address.city as again, address['zip'] as zip,
            struct_pack(a := amount, b := note) as pair, {'n': note} as boxed
        from bronze_shop.orders as o""",
        {
            "city": "o.address TRANSFORMATION",
            "again": "o.address TRANSFORMATION",
            "zip": "o.address TRANSFORMATION",
            "pair": "o.amount TRANSFORMATION, o.note TRANSFORMATION",
            "boxed": "o.note TRANSFORMATION",
        },
    ),
    Truth(
        "lambdas",
        """select list_filter(items, lambda item: item <> status) as kept,
            list_filter(items, lambda note: note <> '') as shadowed,
            list_transform(items, lambda i, n: i || note || n) as marked,
            [upper(i) for i in items if i <> note] as loud,
            len(list_filter(items, lambda a: len(list_filter(items, lambda b: b = a)) > 1)) as twice
        from bronze_shop.orders""",
        {
            "kept": "o.items TRANSFORMATION, o.status TRANSFORMATION",
            "shadowed": "o.items TRANSFORMATION",
            "marked": "o.items TRANSFORMATION, o.note TRANSFORMATION",
            "loud": "o.items TRANSFORMATION, o.note TRANSFORMATION",
            "twice": "o.items TRANSFORMATION",
        },
    ),
    Truth(
        "aliases",
        """select amount - discount as net, net * 2 as twice, upper(status) as note, note as same
        from bronze_shop.orders where net > 0""",
        {
            "net": "o.amount TRANSFORMATION, o.discount TRANSFORMATION",
            "twice": "o.amount TRANSFORMATION, o.discount TRANSFORMATION",
            "note": "o.status TRANSFORMATION",
            "same": "o.note IDENTITY",
        },
        "o.amount FILTER, o.discount FILTER",
    ),
    Truth(
        "grouped_by_alias",
        """select date_trunc('month', placed_on) as month, count(*) as orders, any_value(note) as some_note
        from bronze_shop.orders group by month order by 2 limit 5""",
        {"month": "o.placed_on TRANSFORMATION", "orders": "", "some_note": "o.note AGGREGATION"},
        "o.placed_on GROUP_BY",
    ),
    Truth(
        "rolled_up",
        """select country, name, count(*) as customers, grouping(country) as is_total
        from bronze_shop.customers group by rollup (country, name)""",
        {
            "country": "c.country IDENTITY",
            "name": "c.name IDENTITY",
            "customers": "",
            "is_total": "",
        },
        "c.country GROUP_BY, c.name GROUP_BY",
    ),
    Truth(
        "recursive",
        """with recursive chain as (
            select customer_id, referred_by, 0 as depth from bronze_shop.customers where referred_by is null
            union all
            select c.customer_id, chain.customer_id, chain.depth + 1
            from bronze_shop.customers as c join chain on c.referred_by = chain.customer_id
        )
        select customer_id, referred_by, depth from chain""",
        {
            "customer_id": "c.customer_id IDENTITY",
            "referred_by": "c.referred_by IDENTITY, c.customer_id IDENTITY",
            "depth": "",
        },
        "c.referred_by FILTER JOIN, c.customer_id JOIN",
    ),
    Truth(
        "values_and_series",
        """select c.name, v.label, s.n, unnest(generate_series(1, c.customer_id)) as k
        from bronze_shop.customers as c
        cross join (values ('x'), ('y')) as v (label)
        cross join range(3) as s (n)""",
        {"name": "c.name IDENTITY", "label": "", "n": "", "k": "c.customer_id TRANSFORMATION"},
        "c.customer_id JOIN",
    ),
    Truth(
        "whole_row",
        "select r, r.country as land from bronze_shop.rates as r",
        {
            "r": "r.country TRANSFORMATION, r.rate TRANSFORMATION, r.valid_from TRANSFORMATION",
            "land": "r.country IDENTITY",
        },
    ),
    Truth(
        "names_in_any_case",
        """select C.NAME, "country" as "Land" from BRONZE_SHOP.CUSTOMERS as c""",
        {"name": "c.name IDENTITY", "Land": "c.country IDENTITY"},
    ),
    Truth(
        "inlined_models",
        """with __dbt__cte__stg_orders as (
            select order_id as id, customer_id as buyer_id, status = 'paid' as is_paid
            from "bronze_shop"."orders"
        ), __dbt__cte__stg_customers as (
            select customer_id as buyer_id, name from "bronze_shop"."customers"
        ), orders as (
            select * from __dbt__cte__stg_orders where is_paid
        )
        select orders.id, buyers.name, count(*) over (partition by orders.buyer_id) as bought
        from orders left join __dbt__cte__stg_customers as buyers on orders.buyer_id = buyers.buyer_id""",
        {"id": "o.order_id IDENTITY", "name": "c.name IDENTITY", "bought": "o.customer_id WINDOW"},
        "o.status FILTER, o.customer_id JOIN, c.customer_id JOIN",
    ),
    Truth(
        "half_joined_halves",
        """select coalesce(a.country, b.country) as country, a.n, b.n as rates, a.n is distinct from b.n as differs
        from (select country, count(*) as n from bronze_shop.customers group by country) as a
        full join (select country, count(rate) as n from bronze_shop.rates group by country) as b
            on a.country = b.country
        where a.n > 0 or b.n > 0""",
        {
            "country": "c.country IDENTITY CONDITIONAL, r.country IDENTITY CONDITIONAL",
            "n": "",
            "rates": "r.rate AGGREGATION",
            "differs": "r.rate AGGREGATION",
        },
        "c.country GROUP_BY JOIN, r.country GROUP_BY JOIN, r.rate FILTER",
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
