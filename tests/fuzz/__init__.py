"""Every parser of ours, shown anything: no exception but those that it documents, and an end in bounded time.

`scripts/fuzz` looks for what breaks one. What was found, and what it began with, lies in `corpus`.
"""
