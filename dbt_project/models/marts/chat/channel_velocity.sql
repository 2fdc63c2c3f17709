-- How fast people talk in each channel: windows of 1, 5 and 60 minutes, counted from the epoch (UTC)
-- by when messages were sent. Hours in which something changed are counted anew; while messages
-- come, `headgate live` asks the same query for the windows that are not closed yet.
with
{% if is_incremental() %}
    touched as (
        select date_trunc('hour', sent_at) as window_hour
        from {{ changed('silver.chat.messages', 'sent_at') }}
        union
        select date_trunc('hour', sent_at) as window_hour
        from {{ changed('silver.live.messages', 'sent_at') }}
    ),
{% endif %}

messages as (
    select
        channel_id,
        author_id,
        is_annotated,
        is_reply,
        date_trunc('hour', sent_at) as window_hour,
        extract('minute' from sent_at) as minute_of_hour
    from {{ ref('int_chat__timed_messages') }}
    {% if is_incremental() %}
        where date_trunc('hour', sent_at) in (select window_hour from touched)
    {% endif %}
),

lengths as (
    select unnest([1, 5, 60]) as window_minutes
),

-- Each length divides the hour, so that windows from the epoch begin anew with every hour.
windows as (
    select
        messages.channel_id,
        messages.author_id,
        messages.is_annotated,
        messages.is_reply,
        messages.window_hour,
        lengths.window_minutes,
        messages.minute_of_hour
        - messages.minute_of_hour % lengths.window_minutes as minutes_before
    from messages
    cross join lengths
)

select
    channel_id,
    cast(window_minutes as bigint) as window_minutes,
    window_hour + to_minutes(cast(minutes_before as integer)) as window_start,
    window_hour,
    count(*) as messages,
    count(distinct author_id) as authors,
    count(*) filter (where is_annotated) as annotated_messages,
    count(*) filter (where is_reply) as replies,
    count(*) filter (where is_reply) / nullif(count(*) filter (where is_annotated), 0) as reply_rate
from windows
group by channel_id, window_minutes, window_hour, minutes_before
