-- The rows that only one of two snapshots has, one row a key: `old_row` and `new_row` are the rowids
-- there, NULL where it is in one only, and `hash` is that of the old row. Rows are alike where all
-- their values are. Without a key, a row that comes n times in one and m times in the other differs
-- |n - m| times.
--
-- Only hashes are compared, which takes a third of the time of comparing values and memory that
-- doesn't grow with the width of a row. Two different rows have the same hash of 64 bits once in
-- 10^19 changes; two keys that have will go and come both.
insert into temp.difference
select old.row as old_row, new.row as new_row, old.hash
from (select *, {nth} as nth from ({old}) where {part}) old
full join (select *, {nth} as nth from ({new}) where {part}) new using (key, nth)
where old.hash is distinct from new.hash
