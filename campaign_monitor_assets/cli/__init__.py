"""The commands: `demo`, `sync`, `check`, `dev` and `report`, and what they print.

They call what the other layers offer; nothing may import them.
"""
