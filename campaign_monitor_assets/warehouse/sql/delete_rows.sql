delete from {table} where rowid in (
    select old_row from temp.difference where old_row >= {first} and old_row < {end}
)
