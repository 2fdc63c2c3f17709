-- How a community did on each day on which somebody wrote in it, put together from the tables that
-- count its channels, people and conversations.
with
{% if is_incremental() %}
    touched as (
        select sent_date
        from {{ changed('gold.community.fct_channel_activity_daily', 'sent_date') }}
        union
        select sent_date
        from {{ changed('gold.community.fct_user_activity_daily', 'sent_date') }}
        union
        select started_date as sent_date
        from {{ changed('gold.community.fct_conversation_response', 'started_date') }}
        union
        -- Whoever turns out to have begun on another day was new on the old one, and is on the new.
        select first_active_date as sent_date
        from {{ changed('gold.community.dim_users', 'first_active_date') }}
    ),
{% endif %}

channels as (
    select
        community_id,
        sent_date,
        sum(messages) as messages,
        count(*) as active_channels,
        sum(annotated_messages) as annotated_messages,
        sum(replies) as replies
    from {{ ref('fct_channel_activity_daily') }}
    {% if is_incremental() %}
        where sent_date in (select sent_date from touched)
    {% endif %}
    group by community_id, sent_date
),

people as (
    select
        days.community_id,
        days.sent_date,
        min(days.platform) as platform,
        count(*) as authors,
        count(newcomers.user_id) as new_authors
    from {{ ref('fct_user_activity_daily') }} as days
    left join {{ ref('dim_users') }} as newcomers
        on days.user_id = newcomers.user_id and days.sent_date = newcomers.first_active_date
    {% if is_incremental() %}
        where days.sent_date in (select sent_date from touched)
    {% endif %}
    group by days.community_id, days.sent_date
),

answers as (
    select
        community_id,
        started_date,
        sum(conversations) as conversations,
        sum(annotated_conversations) as annotated_conversations,
        sum(answered) as answered,
        sum(unanswered) as unanswered
    from {{ ref('fct_conversation_response') }}
    {% if is_incremental() %}
        where started_date in (select sent_date from touched)
    {% endif %}
    group by community_id, started_date
)

select
    channels.community_id,
    channels.sent_date,
    people.platform,
    cast(channels.messages as bigint) as messages,
    people.authors,
    people.new_authors,
    channels.active_channels,
    cast(channels.annotated_messages as bigint) as annotated_messages,
    cast(channels.replies as bigint) as replies,
    channels.replies / nullif(channels.annotated_messages, 0) as reply_share,
    -- On some days people only go on with what began before.
    cast(coalesce(answers.conversations, 0) as bigint) as conversations,
    cast(coalesce(answers.answered, 0) as bigint) as answered,
    cast(coalesce(answers.unanswered, 0) as bigint) as unanswered,
    answers.unanswered / nullif(answers.annotated_conversations, 0) as unanswered_share,
    channels.messages / people.authors as messages_per_author
from channels
inner join people
    on channels.community_id = people.community_id and channels.sent_date = people.sent_date
left join answers
    on channels.community_id = answers.community_id and channels.sent_date = answers.started_date
