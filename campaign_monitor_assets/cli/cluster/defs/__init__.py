"""The demo's two accounts, as a project of a user's own would have them.

A folder for each with a `defs.yaml`; no code belongs here.
"""
