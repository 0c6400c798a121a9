"""Benchmarks: `python -m bench NAME [--quick]`, one file each.

Each prints tables for people and, on the last line, one JSON object; progress goes to stderr. With
`--quick` it takes less than a minute on two cores.
"""
