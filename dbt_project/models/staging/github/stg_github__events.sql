-- Public events of GitHub under our own names: one row an event. Accounts, repositories and
-- organisations have ids that tell them from those of other platforms.
select
    'github:' || event_id as event_id,
    type as event_type,
    'github:' || actor_id as actor_id,
    actor_login,
    'github:' || repo_id as repository_id,
    repo_name as repository_name,
    'github:' || org_id as organisation_id,
    org_login as organisation_login,
    created_at,
    cast(created_at as date) as created_date,
    payload
from {{ source('bronze_engineering', 'github_events') }}
