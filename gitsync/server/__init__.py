"""The HTTP side: health, readiness, metrics, status and the webhook's door, as thin routes over what others know.

The main thread builds and closes it; every request is answered on a thread of the server's pool, which reads frozen
values and posts to mailboxes, and never waits for the worker.
"""
