-- One row a message of the live topic, as its newest event tells it. Events come late, twice and out
-- of order: the one that was edited last counts, and of equal ones the last of its partition.
with
{% if is_incremental() %}
    touched as (
        select 'live:' || message_id as message_id
        from {{ changed('bronze.live.messages', 'message_id') }}
    ),
{% endif %}

events as (
    select
        *,
        row_number() over (
            partition by message_id
            order by coalesce(edited_at, sent_at) desc, _source desc, _position desc
        ) as age
    from {{ source('bronze_live', 'messages') }}
    {% if is_incremental() %}
        where message_id in (
            select message_id from {{ changed('bronze.live.messages', 'message_id') }}
        )
    {% endif %}
)

select
    'live:' || message_id as message_id,
    'live:' || channel_id as channel_id,
    'live:' || author_id as author_id,
    sent_at,
    edited_at,
    coalesce(text, '') as content,
    'live:' || reply_to_message_id as reply_to_message_id
from events
where age = 1
