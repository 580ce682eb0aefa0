-- How many rows came, changed and went. A row that changed is in both snapshots under one key; rows
-- without a key never change, they come and go.
select
    count(*) filter (old_row is null) as inserted,
    count(*) filter (old_row is not null and new_row is not null) as updated,
    count(*) filter (new_row is null) as deleted
from temp.difference
