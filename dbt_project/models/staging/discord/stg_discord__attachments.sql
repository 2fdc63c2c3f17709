-- Files that were sent on Discord: one row a file under a message.
select
    'discord:' || attachment_id as attachment_id,
    'discord:' || message_id as message_id,
    'discord:' || channel_id as channel_id,
    'discord:' || guild_id as community_id,
    file_name,
    file_size_bytes,
    url as file_url,
    exported_at
from {{ source('bronze_chat', 'attachments') }}
