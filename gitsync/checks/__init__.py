"""What `gitsync check` tries before a gitsync runs, or beside one: each is a function, and `table` has their order.

Used by the main thread, which runs each check on a thread of its own and does not wait for one beyond its deadline.
"""
