-- IRC log lines under our own names. Minutes count from midnight as the log's clock shows it.
select
    file as source_file,
    line as source_line,
    channel,
    author,
    type as line_type,
    text as content,
    reply_to as answered_lines,
    date as log_date,
    60 * cast(substr(time, 1, 2) as bigint) + cast(substr(time, 4, 2) as bigint) as clock_minutes
from {{ source('bronze_irc', 'messages') }}
