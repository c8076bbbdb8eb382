"""The work on one repository: the worker's loop, one pass as a list of steps, and the chores between passes.

All of it runs on the worker's thread.
"""
