-- The facts of every message, without its text. A reply says something of the message that it
-- answers, so the days of replies are computed anew when what they answer changes.
with messages as (
    select *
    from {{ ref('int_chat__messages') }}
    {% if is_incremental() %}
        where sent_date in (
            select sent_date
            from {{ changed('silver.chat.messages', 'sent_date', 'reply_to_message_id', 'message_id') }}
        )
    {% endif %}
)

select
    messages.message_id,
    messages.platform,
    messages.community_id,
    messages.channel_id,
    messages.author_id,
    messages.sent_date,
    messages.sent_at,
    messages.is_action,
    messages.is_annotated,
    messages.reply_to_message_id is not null as is_reply,
    messages.reply_to_message_id,
    answered.author_id as reply_to_author_id,
    date_sub('minute', answered.sent_at, messages.sent_at) as minutes_to_reply,
    length(messages.content) as characters,
    cast(len(list_filter(string_split(messages.content, ' '), lambda word: word <> '')) as bigint)
        as words,
    regexp_matches(messages.content, '[Hh][Tt][Tt][Pp][Ss]?://') as has_link
from messages
left join {{ ref('int_chat__messages') }} as answered
    on messages.reply_to_message_id = answered.message_id
