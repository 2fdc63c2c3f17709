-- Each message with the one that it answers: a join of the whole table with itself.
select
    messages.id as message_id,
    messages.guild as guild_id,
    messages.channel as channel_id,
    messages.author as author_id,
    messages.sent_at,
    cast(messages.sent_at as date) as day,
    length(messages.text) as letters,
    messages.reactions,
    messages.score,
    messages.reply_to as reply_to_id,
    date_diff('second', answered.sent_at, messages.sent_at) as reply_seconds
from {{ source('bronze_bench', 'messages') }} as messages
left join {{ source('bronze_bench', 'messages') }} as answered
    on messages.reply_to = answered.id
