"""Move things. The command line, and every verb that carries data into or out of Label Studio.

The only room that calls Label Studio. It is a stranger to `backend`: they meet in the store. A
decision that a verb needs is made in `goldloop`.
"""
