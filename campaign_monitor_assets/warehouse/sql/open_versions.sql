-- The rows that came, each as a version that is valid until a later snapshot says otherwise.
insert into {history} by name
select *, {time} as _valid_from, null::timestamp as _valid_to
from {source} where rowid in (
    select new_row from temp.difference where new_row >= {first} and new_row < {end}
)
