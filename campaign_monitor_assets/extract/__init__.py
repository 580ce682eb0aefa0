"""Which requests make a table: parents, pages, decoding and concurrency, from the API to staging.

How one request is made is `api`'s to know and where rows go `warehouse`'s; no SQL belongs here.
"""
