-- The versions whose rows are gone end; of rows that are alike as many as went, the newest first.
update {history} set _valid_to = {time}
where rowid in (
    select row
    from (
        select version.row, hash, row_number() over (
            partition by hash order by version.begun desc, version.row
        ) as nth
        from (
            select rowid as row, {hash} as hash, _valid_from as begun
            from {history} where _valid_to is null
        ) version
        semi join temp.difference gone on gone.hash = version.hash and gone.old_row is not null
    )
    join (
        select hash, count(*) as number from temp.difference where old_row is not null group by hash
    ) using (hash)
    where nth <= number
)
