-- What people wrote in a community on a day is what was written in its channels; a difference is
-- shown with both counts.
with by_person as (
    select
        community_id,
        sent_date,
        sum(messages) as messages,
        sum(replies) as replies
    from {{ ref('fct_user_activity_daily') }}
    group by community_id, sent_date
),

by_channel as (
    select
        community_id,
        sent_date,
        sum(messages) as messages,
        sum(replies) as replies
    from {{ ref('fct_channel_activity_daily') }}
    group by community_id, sent_date
)

select
    coalesce(by_person.community_id, by_channel.community_id) as community_id,
    coalesce(by_person.sent_date, by_channel.sent_date) as sent_date,
    by_person.messages as messages_of_people,
    by_channel.messages as messages_in_channels,
    by_person.replies as replies_of_people,
    by_channel.replies as replies_in_channels
from by_person
full outer join by_channel
    on
        by_person.community_id = by_channel.community_id
        and by_person.sent_date = by_channel.sent_date
where
    by_person.messages is distinct from by_channel.messages
    or by_person.replies is distinct from by_channel.replies
