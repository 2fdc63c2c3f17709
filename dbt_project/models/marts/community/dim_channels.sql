-- One row a channel: in which somebody wrote, or that an export knows, or both. What was written is
-- summed from its days, so that a change costs its days and not its history.
with
{% if is_incremental() %}
    touched as (
        select channel_id
        from {{ changed('gold.community.fct_channel_activity_daily', 'channel_id') }}
        union
        select 'discord:' || channel_id as channel_id
        from {{ changed('bronze.chat.channels', 'channel_id') }}
    ),
{% endif %}

written as (
    select
        channel_id,
        min(community_id) as community_id,
        cast(sum(messages) as bigint) as messages,
        count(distinct sent_date) as active_days,
        min(sent_date) as first_active_date,
        max(sent_date) as last_active_date
    from {{ ref('fct_channel_activity_daily') }}
    {% if is_incremental() %}
        where channel_id in (select channel_id from touched)
    {% endif %}
    group by channel_id
),

known as (
    select *
    from {{ ref('stg_discord__channels') }}
    {% if is_incremental() %}
        where channel_id in (select channel_id from touched)
    {% endif %}
),

channels as (
    select
        coalesce(written.channel_id, known.channel_id) as channel_id,
        coalesce(known.community_id, written.community_id) as community_id,
        known.channel_name,
        known.channel_type,
        known.topic,
        known.parent_channel_id,
        known.channel_id is not null as is_known,
        coalesce(written.messages, 0) as messages,
        coalesce(written.active_days, 0) as active_days,
        written.first_active_date,
        written.last_active_date
    from written
    full outer join known on written.channel_id = known.channel_id
)

select
    channel_id,
    split_part(channel_id, ':', 1) as platform,
    community_id,
    -- IRC knows channels by their names, behind `irc:`, which may hold a colon themselves.
    case
        when starts_with(channel_id, 'irc:') then substr(channel_id, 5)
        else channel_name
    end as name,
    channel_type as type,
    topic,
    parent_channel_id,
    is_known,
    messages,
    active_days,
    first_active_date,
    last_active_date
from channels
