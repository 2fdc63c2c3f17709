-- Discord's servers: one row each, under the id that a community has on all platforms.
select
    'discord:' || guild_id as community_id,
    name as community_name,
    icon_url,
    exported_at
from {{ source('bronze_chat', 'guilds') }}
