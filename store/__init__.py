"""Remember. The only room with SQL: one SQLite file through sqlite-utils, and the settings file.

Imports only `goldloop`. Every public function takes the open store first; every change that belongs
together is one transaction; migrations are numbered and each runs in a transaction of its own.
"""
