-- Conversations share the messages out among themselves; a difference is shown with both counts.
select
    (select sum(messages) from {{ source('silver_chat', 'conversations') }}) as in_conversations,
    (select count(*) from {{ ref('int_chat__messages') }}) as messages
where in_conversations is distinct from messages
