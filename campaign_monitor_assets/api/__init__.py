"""One request to the API done well: authorized, rate limited, retried, decoded, or a clear error.

Which requests make a table is `extract`'s to know; nothing here knows a table, a file or DuckDB.
"""
