"""What this project configures: a folder with a `defs.yaml` for each account.

No code belongs here, and no credentials: those come from the environment.
"""
