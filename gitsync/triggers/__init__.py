"""What starts a pass: the mailbox that every trigger posts to, the schedule, and the watch on files.

Any thread posts; a watcher has a thread of its own.
"""
