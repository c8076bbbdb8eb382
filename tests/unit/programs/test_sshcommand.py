"""A connection is shared only where the command for ssh says nothing but how to reach the server."""

import pytest

from gitsync.programs.sshcommand import sharing_obstacle


@pytest.mark.parametrize(
    "command",
    [
        "ssh",
        "/usr/bin/ssh -p 2222 -i /key",
        "ssh -o BatchMode=yes -o 'IdentityFile=\"/a $(b)/c\"' -oStrictHostKeyChecking=no",
        "LD_PRELOAD=/usr/lib/libnss_wrapper.so NSS_WRAPPER_PASSWD='/tmp/a b' ssh -4qv -o 'ProxyCommand=nc %h %p'",
        "ssh -J gate.test -F /etc/ssh/ours",
    ],
)
def test_command_that_reaches_a_server(command: str) -> None:
    """Options that say how a server is reached are those of every connection."""
    assert sharing_obstacle(command) is None


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("ssh -o ControlMaster=auto", "ControlMaster"),
        ("ssh -ocontrolpath=/tmp/x", "controlpath"),
        ("ssh -o 'ControlPersist 10m'", "ControlPersist"),
        ("ssh -o LocalForward=1:h:2", "LocalForward"),
        ("ssh -M", "options"),
        ("ssh -qS /tmp/x", "options"),
        ("ssh -L 1:h:2", "options"),
        ("ssh a.host", "options"),
        ("plink -batch", "another program"),
        ("my-ssh -p 1", "another program"),
        ("", "another program"),
        ("A=b", "another program"),
        ("ssh -o", "cannot be read"),
        ("ssh --new", "cannot be read"),
        ("ssh 'x", "cannot be read"),
        ('ssh -i "$HOME/key"', "script"),
        ("exec ssh; true", "script"),
        ("ssh `words`", "script"),
    ],
)
def test_command_that_is_left_alone(command: str, word: str) -> None:
    """Whatever may mean something else keeps its own connections, and it is said why."""
    assert word in (sharing_obstacle(command) or "")
