-- The versions whose rows are gone; of rows that are alike as many as went, the newest first.
insert into temp.ending
with gone as (
    select hash, count(*) as number from temp.difference
    where old_row is not null and {part} group by hash
),
version as (
    from ({versions}) where {part}
)
select row
from (
    select row, number, row_number() over (
        partition by hash order by begun desc, row
    ) as nth
    from version join gone using (hash)
)
where nth <= number
