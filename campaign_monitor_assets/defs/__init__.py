"""What this project configures: a folder with a `defs.yaml` for each account; no code."""
