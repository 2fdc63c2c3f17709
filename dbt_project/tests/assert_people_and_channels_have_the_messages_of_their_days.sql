-- What is said of people and of channels adds up to their days; a difference is shown with both
-- counts.
select
    'people' as what,
    (select sum(messages) from {{ ref('dim_users') }}) as described,
    (select sum(messages) from {{ ref('fct_user_activity_daily') }}) as counted
where described is distinct from counted

union all

select
    'channels' as what,
    (select sum(messages) from {{ ref('dim_channels') }}) as described,
    (select sum(messages) from {{ ref('fct_channel_activity_daily') }}) as counted
where described is distinct from counted
