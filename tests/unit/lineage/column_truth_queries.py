"""Column lineage of queries within queries, written down by hand; in the words of ``column_truth``."""

from __future__ import annotations

from tests.unit.lineage.column_truth import Truth

QUERIES = [
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
