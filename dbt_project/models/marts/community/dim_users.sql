-- One row an account: that wrote a message, or that an export knows, or both. What it wrote is
-- summed from its days and not from its messages, so that a change costs its days and not its
-- history.
with
{% if is_incremental() %}
    touched as (
        select user_id from {{ changed('gold.community.fct_user_activity_daily', 'user_id') }}
        union
        select 'discord:' || user_id as user_id
        from {{ changed('bronze.chat.users', 'user_id') }}
    ),
{% endif %}

written as (
    select
        user_id,
        -- The part of an id before its colon, so it is the same in all rows of a user.
        min(platform) as platform,
        cast(sum(messages) as bigint) as messages,
        -- Somebody who writes in two communities on a day is active on one day.
        count(distinct sent_date) as active_days,
        min(sent_date) as first_active_date,
        max(sent_date) as last_active_date
    from {{ ref('fct_user_activity_daily') }}
    {% if is_incremental() %}
        where user_id in (select user_id from touched)
    {% endif %}
    group by user_id
),

-- An account in several guilds has several profiles: the newest one speaks for it.
profiles as (
    select
        user_id,
        coalesce(nickname, account_name) as shown_name,
        is_bot
    from {{ ref('stg_discord__users') }}
    {% if is_incremental() %}
        where user_id in (select user_id from touched)
    {% endif %}
    qualify row_number() over (partition by user_id order by exported_at desc, community_id) = 1
)

select
    coalesce(written.user_id, profiles.user_id) as user_id,
    coalesce(written.platform, 'discord') as platform,
    profiles.shown_name as name,
    profiles.is_bot,
    profiles.user_id is not null as is_known,
    coalesce(written.messages, 0) as messages,
    coalesce(written.active_days, 0) as active_days,
    written.first_active_date,
    written.last_active_date,
    -- Weeks begin on Monday.
    cast(date_trunc('week', written.first_active_date) as date) as cohort_week
from written
full outer join profiles on written.user_id = profiles.user_id
