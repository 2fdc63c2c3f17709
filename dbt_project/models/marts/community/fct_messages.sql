-- The facts of every message, without its text.
with messages as (
    select *
    from {{ ref('int_chat__messages') }}
    {% if is_incremental() %}
        where sent_date in (
            select sent_date from {{ changed('silver.chat.messages', 'sent_date') }}
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
    answered.message_id is not null as is_reply,
    answered.message_id as reply_to_message_id,
    answered.author_id as reply_to_author_id,
    date_sub('minute', answered.sent_at, messages.sent_at) as minutes_to_reply,
    length(messages.content) as characters,
    cast(len(list_filter(string_split(messages.content, ' '), lambda word: word <> '')) as bigint)
        as words,
    regexp_matches(messages.content, '[Hh][Tt][Tt][Pp][Ss]?://') as has_link
from messages
-- An answer is filed under the day of what it answers, so that a day can be computed by itself.
left join messages as answered
    on
        messages.reply_to_message_id = answered.message_id
        and messages.sent_date = answered.sent_date
