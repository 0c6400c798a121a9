"""Decide. Pure functions on frozen dataclasses and numpy arrays.

No network, disk, environment, clock, logging or global random state; seeds and times come in as
arguments. Imports nothing else of ours, and is a public library: `import goldloop` works on plain
values in a notebook.
"""
