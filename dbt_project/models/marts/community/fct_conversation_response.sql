-- How the conversations that began in a channel on a day were answered: one row a channel and day.
-- Whether nobody answered is known of annotated conversations only.
with conversations as (
    select
        *,
        is_annotated and first_answer_message_id is not null as is_answered,
        date_diff('second', started_at, first_answer_at) / 60.0 as minutes_to_first_answer
    from {{ source('silver_chat', 'conversations') }}
    {% if is_incremental() %}
        where started_date in (
            select started_date from {{ changed('silver.chat.conversations', 'started_date') }}
        )
    {% endif %}
)

select
    community_id,
    channel_id,
    started_date,
    platform,
    count(*) as conversations,
    count(*) filter (where is_annotated) as annotated_conversations,
    count(*) filter (where is_answered) as answered,
    count(*) filter (where is_annotated and not is_answered) as unanswered,
    count(*) filter (where is_annotated and not is_answered)
    / nullif(count(*) filter (where is_annotated), 0) as unanswered_share,
    count(minutes_to_first_answer) filter (where is_answered) as timed_answers,
    median(minutes_to_first_answer) filter (where is_answered) as median_minutes_to_first_answer,
    cast(sum(messages) as bigint) as messages,
    avg(participants) as participants_average
from conversations
-- A community is on one platform, so this splits no row.
group by community_id, channel_id, started_date, platform
