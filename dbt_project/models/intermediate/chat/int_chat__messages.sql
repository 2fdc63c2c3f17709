-- One row a message or action, of every platform. What an IRC log leaves unsaid (midnight, what was
-- answered) is found within the log; Discord says it all itself.

-- Until then the logs have a 12-hour clock without a.m. or p.m.: no earlier log shows an hour
-- after 12, and from this one on they do. What a 12-hour clock leaves open is not guessed.
{% set clock_has_24_hours_from = '2007-10-24' %}

with
{% if is_incremental() %}
    -- A day is computed anew for all platforms, whichever of them it changed on.
    touched as (
        select date as sent_date from {{ changed('bronze.irc.messages', 'date') }}
        union
        select cast(sent_at as date) as sent_date
        from {{ changed('bronze.chat.messages', 'sent_at') }}
    ),
{% endif %}

chat as (
    select *
    from {{ ref('stg_irc__messages') }}
    where
        line_type in ('message', 'action')
        {% if is_incremental() %}
            and log_date in (select sent_date from touched)
        {% endif %}
),

-- A clock that falls by more than half a day has passed midnight; by less, it was set back.
steps as (
    select
        source_file,
        source_line,
        log_date,
        clock_minutes - lag(clock_minutes) over log_so_far < -720 as passed_midnight
    from chat
    window log_so_far as (partition by source_file, log_date order by source_line)
),

midnights as (
    select
        source_file,
        source_line,
        coalesce(
            sum(cast(passed_midnight as bigint)) over (
                partition by source_file, log_date
                order by source_line
                rows between unbounded preceding and current row
            ),
            0
        ) as days_after
    from steps
),

answers as (
    select
        source_file,
        source_line,
        log_date,
        unnest(answered_lines) as answered_line
    from chat
),

-- Annotators may name several lines, and lines that are no messages: the latest message counts.
replies as (
    select
        answers.source_file,
        answers.source_line,
        max(answers.answered_line) as answered_line
    from answers
    inner join chat as answered
        on
            answers.source_file = answered.source_file
            and answers.log_date = answered.log_date
            and answers.answered_line = answered.source_line
    group by answers.source_file, answers.source_line
)

select
    'irc:' || chat.source_file || ':' || chat.source_line as message_id,
    'irc' as platform,
    'irc:ubuntu' as community_id,
    'irc:' || chat.channel as channel_id,
    'irc:' || chat.author as author_id,
    chat.log_date as sent_date,
    case
        when chat.log_date >= date '{{ clock_has_24_hours_from }}'
            then timezone(
                'UTC',
                cast(chat.log_date as timestamp)
                + to_days(cast(midnights.days_after as integer))
                + to_minutes(chat.clock_minutes)
            )
    end as sent_at,
    chat.line_type = 'action' as is_action,
    chat.content,
    'irc:' || chat.source_file || ':' || replies.answered_line as reply_to_message_id,
    chat.answered_lines is not null as is_annotated,
    chat.source_file,
    chat.source_line
from chat
inner join midnights
    on chat.source_file = midnights.source_file and chat.source_line = midnights.source_line
left join replies
    on chat.source_file = replies.source_file and chat.source_line = replies.source_line

union all

select
    'discord:' || message_id as message_id,
    'discord' as platform,
    'discord:' || guild_id as community_id,
    'discord:' || channel_id as channel_id,
    'discord:' || author_id as author_id,
    sent_date,
    sent_at,
    false as is_action,
    content,
    'discord:' || answered_message_id as reply_to_message_id,
    true as is_annotated,
    'discord:' || channel_id as source_file,
    -- A channel's messages are ordered by their ids, which count up with time.
    try_cast(message_id as bigint) as source_line
from {{ ref('stg_discord__messages') }}
{% if is_incremental() %}
    where sent_date in (select sent_date from touched)
{% endif %}
