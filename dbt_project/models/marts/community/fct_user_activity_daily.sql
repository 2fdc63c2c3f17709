-- What each person wrote in each community on each day; days on which something changed are counted
-- anew.
select
    community_id,
    author_id as user_id,
    sent_date,
    platform,
    count(*) as messages,
    count(*) filter (where is_action) as actions,
    count(distinct channel_id) as channels,
    count(*) filter (where is_annotated) as annotated_messages,
    count(*) filter (where is_reply) as replies,
    cast(sum(characters) as bigint) as characters,
    cast(sum(words) as bigint) as words,
    count(*) filter (where has_link) as links,
    min(sent_at) as first_sent_at,
    max(sent_at) as last_sent_at
from {{ ref('fct_messages') }}
{% if is_incremental() %}
    where sent_date in (
        select sent_date from {{ changed('gold.community.fct_messages', 'sent_date') }}
    )
{% endif %}
-- A community is on one platform, so this splits no row.
group by community_id, author_id, sent_date, platform
