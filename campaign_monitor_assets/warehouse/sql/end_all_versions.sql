-- All versions that are valid end. They go and come, as in end_versions.
insert into {history} by name
select * replace ({time} as _valid_to) from {history} where _valid_to is null;
delete from {history} where _valid_to is null
