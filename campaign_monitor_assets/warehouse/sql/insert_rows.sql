insert into {table} by name
from {loaded} where rowid in (
    select new_row from temp.difference where new_row >= {first} and new_row < {end}
)
