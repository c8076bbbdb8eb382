"""What lies on the volume: lock, stores of objects, trees of files, submodules, the link, and what git-sync has left.

Called by the worker's thread; what only reads is called by others as well.
"""
