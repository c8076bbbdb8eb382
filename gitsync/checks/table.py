"""All checks, in the order in which they are made."""

from typing import Final

from gitsync.checks import machine, network, remote, volume
from gitsync.checks.check import Check

# Seconds: git waits for a connection of ssh for 20.
_REMOTE: Final = 30.0

CHECKS: Final = (
    Check(name="root", run=volume.root),
    Check(name="rights", run=volume.rights, needs=("root",)),
    Check(name="space", run=volume.space, needs=("root",)),
    Check(name="inodes", run=volume.inodes, needs=("root",)),
    Check(name="links", run=volume.links, needs=("rights",)),
    Check(name="locks", run=volume.locks, needs=("rights",)),
    Check(name="tmp", run=machine.tmp),
    Check(name="git", run=remote.git, needs=("tmp",)),
    Check(name="signatures", run=machine.signatures, needs=("tmp",)),
    Check(name="lfs", run=machine.lfs, needs=("git",)),
    Check(name="login", run=remote.login, needs=("tmp",), patience=_REMOTE),
    Check(name="dns", run=network.dns),
    Check(name="tcp", run=network.tcp, needs=("dns",)),
    Check(name="tls", run=network.tls, needs=("tcp",)),
    Check(name="access", run=remote.access, needs=("git", "login", "tcp", "tls"), patience=_REMOTE),
    Check(name="ref", run=remote.ref, needs=("access",), patience=_REMOTE),
    Check(name="size", run=remote.size, needs=("root",)),
    Check(name="clock", run=network.clock, needs=("tcp",)),
    Check(name="watches", run=machine.watches, needs=("tmp",)),
    Check(name="ports", run=machine.ports, once=True),
)
