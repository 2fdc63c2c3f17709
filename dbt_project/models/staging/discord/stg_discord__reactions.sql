-- Reactions on Discord: one row an emoji under a message, with how many chose it.
select
    'discord:' || message_id as message_id,
    'discord:' || channel_id as channel_id,
    'discord:' || guild_id as community_id,
    -- Emoji of Unicode have no id; the source writes an empty text.
    nullif(emoji_id, '') as emoji_id,
    emoji_name,
    emoji_code,
    reaction_count,
    users as reacting_users,
    exported_at
from {{ source('bronze_chat', 'reactions') }}
