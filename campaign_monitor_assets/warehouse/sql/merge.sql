-- Only the rows that differ are written; one that changed goes and comes.
delete from {table} where rowid in (select old_row from temp.difference where old_row is not null);
insert into {table} by name
from {loaded} where rowid in (select new_row from temp.difference where new_row is not null);
