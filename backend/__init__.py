"""Answer HTTP. Label Studio's ML backend protocol and the webhook receiver, on Flask.

It never calls Label Studio, and is a stranger to `sync`: they meet in the store. Whatever arrives
is hostile: it is bounded, checked and answered without a traceback.
"""
