-- Of the people of a platform who first wrote in a week, how many wrote in each week from then on:
-- one row a cohort and week in which at least one of them wrote.
with
{% if is_incremental() %}
    -- A cohort changes with who is in it (whoever moved touches the old one and the new one), and
    -- with any day of those who stay, also one between their first and their last.
    touched as (
        select cohort_week from {{ changed('gold.community.dim_users', 'cohort_week') }}
        union
        select cohort_week
        from {{ ref('dim_users') }}
        where user_id in (
            select user_id from {{ changed('gold.community.fct_user_activity_daily', 'user_id') }}
        )
    ),
{% endif %}

members as (
    select
        user_id,
        platform,
        cohort_week
    from {{ ref('dim_users') }}
    where
        cohort_week is not null
        {% if is_incremental() %}
            and cohort_week in (select cohort_week from touched)
        {% endif %}
),

cohorts as (
    select
        platform,
        cohort_week,
        count(*) as cohort_users
    from members
    group by platform, cohort_week
),

active as (
    select
        members.platform,
        members.cohort_week,
        -- Counts the Mondays in between; a cohort's week is a Monday.
        date_diff('week', members.cohort_week, days.sent_date) as weeks_after,
        count(distinct days.user_id) as active_users
    from {{ ref('fct_user_activity_daily') }} as days
    inner join members on days.user_id = members.user_id
    group by members.platform, members.cohort_week, weeks_after
)

select
    active.platform,
    active.cohort_week,
    active.weeks_after,
    cohorts.cohort_users,
    active.active_users,
    active.active_users / cohorts.cohort_users as retention
from active
inner join cohorts
    on active.platform = cohorts.platform and active.cohort_week = cohorts.cohort_week
