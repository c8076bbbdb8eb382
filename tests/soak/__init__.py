"""One daemon follows several repositories through pushes, faults and restarts that nobody has chosen.

`python -m tests.soak` is a program, no test; `scripts/soak` runs it. What holds is checked by the fault suite's watch.
"""
