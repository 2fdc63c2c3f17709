-- Each message of which the time is known, once, as it was last edited: of exports and logs, and of
-- the live topic.
select
    channel_id,
    author_id,
    is_annotated,
    reply_to_message_id is not null as is_reply,
    sent_at
from {{ ref('int_chat__messages') }}
where sent_at is not null

union all

select
    channel_id,
    author_id,
    true as is_annotated,
    reply_to_message_id is not null as is_reply,
    sent_at
from {{ ref('int_live__messages') }}
