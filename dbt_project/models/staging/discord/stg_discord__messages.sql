-- What people and bots wrote on Discord, under our own names; notices of Discord itself are left out.

-- Kinds of message that somebody wrote: plain ones, replies and commands, by name and by number.
{% set written = ['Default', '0', 'Reply', '19', '20', '23'] %}

select
    message_id,
    guild_id,
    channel_id,
    author_id,
    sent_at,
    cast(sent_at as date) as sent_date,
    content,
    -- Forwards, pins and threads refer to messages too, and answer none.
    case
        when type in ('Reply', '19') and coalesce(reference_type, 'Default') <> 'Forward'
            then reference_message_id
    end as answered_message_id
from {{ source('bronze_chat', 'messages') }}
where type in ('{{ written | join("', '") }}')
