"""What somebody is told of a run that failed, and how it is sent: to Slack and by e-mail.

Nothing here knows of Dagster, of DuckDB or of the API.
"""
