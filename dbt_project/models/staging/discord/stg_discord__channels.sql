-- Channels, threads and forum posts of Discord: one row each. Ids are those that messages have on
-- all platforms.
select
    'discord:' || channel_id as channel_id,
    'discord:' || guild_id as community_id,
    name as channel_name,
    type as channel_type,
    topic,
    -- For a thread the channel, for a post the forum, for a channel its category.
    'discord:' || parent_id as parent_channel_id,
    parent_name as parent_channel_name,
    exported_at
from {{ source('bronze_chat', 'channels') }}
