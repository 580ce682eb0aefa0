"""The programs that are measured, and the one that draws; each is run as a script."""
