-- How many rows came, changed and went. A row that changed is in both snapshots under one key; rows
-- without a key never change, they come and go.
select
    coalesce(sum(greatest(news - olds, 0)), 0)::bigint as inserted,
    coalesce(sum(least(news, olds)), 0)::bigint as updated,
    coalesce(sum(greatest(olds - news, 0)), 0)::bigint as deleted
from (
    select count(new_row) as news, count(old_row) as olds
    from temp.difference
    group by key
)
