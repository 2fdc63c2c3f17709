-- The cohorts add up to the people of their platform who ever wrote; a difference is shown with
-- both counts.
with people as (
    select
        platform,
        count(*) as users
    from {{ ref('dim_users') }}
    where messages > 0
    group by platform
),

cohorts as (
    select
        platform,
        sum(cohort_users) as users
    from {{ ref('fct_user_retention_weekly') }}
    where weeks_after = 0
    group by platform
)

select
    coalesce(people.platform, cohorts.platform) as platform,
    people.users as people,
    cohorts.users as in_cohorts
from people
full outer join cohorts on people.platform = cohorts.platform
where people.users is distinct from cohorts.users
