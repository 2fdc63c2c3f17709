-- What was written in each channel each day, by how many people, and how soon it was answered.
select
    channel_id,
    day,
    count(*) as messages,
    count(distinct author_id) as authors,
    count(reply_to_id) as replies,
    avg(reply_seconds) as mean_reply_seconds,
    cast(sum(letters) as bigint) as letters,
    cast(sum(reactions) as bigint) as reactions
from {{ ref('int_bench__messages') }}
group by channel_id, day
