-- The days add up to the messages, channel by channel; a difference is shown with both counts.
with counted as (
    select
        channel_id,
        count(*) as messages
    from {{ ref('fct_messages') }}
    group by channel_id
),

summed as (
    select
        channel_id,
        sum(messages) as messages
    from {{ ref('fct_channel_activity_daily') }}
    group by channel_id
)

select
    coalesce(counted.channel_id, summed.channel_id) as channel_id,
    counted.messages as counted,
    summed.messages as summed
from counted
full outer join summed on counted.channel_id = summed.channel_id
where counted.messages is distinct from summed.messages
