-- The rows that only one of two snapshots has: `old_row` or `new_row` is the rowid there, the other
-- one is NULL. Rows are alike where all their values are, and a row that comes n times in one and
-- m times in the other differs |n - m| times.
--
-- Only hashes are compared, which takes a third of the time of comparing values and memory that
-- doesn't grow with the width of a row. Two different rows have the same hash of 64 bits once in
-- 10^19 changes.
create or replace temp table difference as
with old as (
    select rowid as row, {old_key} as key, {old_hash} as hash from {old} where {old_condition}
),
new as (
    select rowid as row, {new_key} as key, {new_hash} as hash from {new}
)
select old.row as old_row, new.row as new_row, coalesce(old.key, new.key) as key,
    coalesce(old.hash, new.hash) as hash
from (select *, {nth} as nth from old) old
full join (select *, {nth} as nth from new) new on old.hash = new.hash and old.nth = new.nth
where old.row is null or new.row is null
