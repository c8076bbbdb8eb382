"""Running git and other programs: deadlines, process groups that end whole, priorities.

Called by the worker of a repository and by hooks' threads; ended by the main thread.
"""
