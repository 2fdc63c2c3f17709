-- How lively each channel was on each day; days on which something changed are counted anew.
select
    community_id,
    channel_id,
    sent_date,
    count(*) as messages,
    count(*) filter (where is_action) as actions,
    count(distinct author_id) as authors,
    count(*) filter (where is_annotated) as annotated_messages,
    count(*) filter (where is_reply) as replies,
    cast(sum(characters) as bigint) as characters,
    count(*) filter (where has_link) as links,
    min(sent_at) as first_sent_at,
    max(sent_at) as last_sent_at
from {{ ref('fct_messages') }}
{% if is_incremental() %}
    where sent_date in (
        select sent_date from {{ changed('gold.community.fct_messages', 'sent_date') }}
    )
{% endif %}
group by community_id, channel_id, sent_date
