-- Who wrote on Discord, as each guild knows them: one row an account in a guild. Ids are those that
-- messages have on all platforms.
select
    'discord:' || user_id as user_id,
    'discord:' || guild_id as community_id,
    name as account_name,
    nickname,
    is_bot,
    exported_at
from {{ source('bronze_chat', 'users') }}
