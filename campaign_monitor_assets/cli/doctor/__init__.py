"""The command `doctor`: versions, settings, variables, permissions, room; each right or wrong.

It looks and advises; nothing that changes the setup belongs here.
"""
