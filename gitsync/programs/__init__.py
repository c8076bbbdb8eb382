"""Running git and other programs: deadlines, process groups that end whole, priorities, how many processors there are.

Called by the worker of a repository and by hooks' threads; ended by the main thread.
"""
