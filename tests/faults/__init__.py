"""What can go wrong around a gitsync, made to happen, and the invariants that hold all the while.

An area a file, or a few; each test says with `fault` of the catalogue what is done, and what comes of it.
"""
