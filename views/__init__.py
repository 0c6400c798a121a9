"""Show. What is remembered, read together and worked out for people and programs to look at.

Changes nothing and calls nobody: it reads the store and the versions' folders, translates through
`label_config`, and decides with `goldloop`. Both `backend` and `sync` show what it finds.
"""
