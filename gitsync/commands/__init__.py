"""The sub-commands: what a person or a pipeline asks of a gitsync that runs, or before one does. Each has a module, and
says in words what was answered. Run by the main thread, in a process of its own.

They end with one of the exit codes here, or with 0 when all is done.
"""

from typing import Final

# What was asked for has failed; the words say why.
EXIT_FAILED: Final = 1
# The arguments, or the variables that stand in for them, cannot be used.
EXIT_USAGE: Final = 2
# Nobody could be asked: there is no such server, or it does not let us in.
EXIT_UNASKED: Final = 3
# It is not done, or not yet: the time is over, the process ends, or it is paused.
EXIT_UNDONE: Final = 4
EXIT_INTERRUPTED: Final = 130

NAMES: Final = ("check", "receiver-check", "trigger", "pause", "resume", "status")
