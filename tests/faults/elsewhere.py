"""What other suites show of faults: the tests are with their mechanism, and the catalogue has them too."""

from typing import Final

from tests.faults.catalogue import Fault

# The area, the test, what is done and what comes of it.
TOLD: Final = (
    (
        "crash",
        "e2e/test_crash.py::test_daemon_alone_is_killed_during_a_fetch",
        "gitsync alone is killed during a fetch, and another one starts",
        "ready at once; it waits for the git that is left, or ends it, and publishes",
    ),
    (
        "signals",
        "e2e/test_shutdown.py::test_stalled_pass_is_ended",
        "SIGTERM or SIGINT comes while the server hangs",
        "ends in order within `--shutdown-timeout`, with nothing left running",
    ),
    (
        "processes",
        "integration/test_gitcmd.py::test_deadline_ends_the_whole_process_group",
        "helpers of git ignore TERM and hold the pipes",
        "gone a second after the deadline",
    ),
    (
        "damage",
        "e2e/test_heal.py::test_damage_is_repaired_without_the_server",
        "published files are edited or deleted while the server is gone",
        "found within `--heal-period`, and replaced from the store alone",
    ),
    (
        "login",
        "auth/test_github_app.py::test_refused_token_is_minted_anew_in_the_same_pass",
        "the token of a GitHub App is refused before its time",
        "another one is minted in the same pass",
    ),
    (
        "http",
        "e2e/test_silent_server.py::test_everything_else_goes_on",
        "probes, status and metrics are asked while a pass hangs",
        "answered at once",
    ),
    (
        "http",
        "e2e/test_receiver_flood.py::test_large_requests_without_end",
        "webhooks of any size come without end",
        "memory is bounded, and probes are answered",
    ),
    (
        "http",
        "e2e/test_triggers.py::test_storm_of_pushes_ends_on_the_last_commit",
        "pushes and their webhooks come faster than publications",
        "passes are joined, and the last commit is published",
    ),
    (
        "http",
        "e2e/test_control.py::test_probes_while_many_wait",
        "as many wait for the end of a pass as may",
        "others are answered, and one more is not let wait",
    ),
    (
        "hooks",
        "e2e/test_exechook.py::test_timeout_ends_all_that_the_hook_has_started",
        "a hook hangs, and so does what it has started",
        "all of it is ended at its timeout, and it is tried again",
    ),
    (
        "hooks",
        "e2e/test_exechook.py::test_what_a_successful_hook_leaves_running_is_ended",
        "a hook succeeds and leaves processes running",
        "they are ended with it",
    ),
    (
        "hooks",
        "integration/test_process.py::test_who_has_left_the_group_does_not_hold_us",
        "a hook starts what leaves its process group and holds its output",
        "nobody waits for that",
    ),
    (
        "hooks",
        "e2e/test_exechook.py::test_latest_publication_wins_and_no_pass_waits",
        "a hook takes longer than the next publications",
        "passes go on, and it runs for the latest one",
    ),
    (
        "hooks",
        "e2e/test_gate.py::test_gate_that_hangs",
        "the gate hangs",
        "it is ended at its timeout, and what is published stays (`gate`)",
    ),
    (
        "hooks",
        "e2e/test_webhook_call.py::test_hanging_server_blocks_no_pass_and_no_end",
        "who is called after a publication does not answer",
        "neither passes nor the end of the process wait for it",
    ),
    (
        "resources",
        "e2e/test_watch.py::test_without_inotify_it_looks_now_and_then",
        "the node has no inotify instance left",
        "said once; changes of files are found within seconds",
    ),
    (
        "configuration",
        "e2e/test_reload.py::test_mistake",
        "the file of `--config` is wrong while gitsync runs",
        "nothing changes, the mistake is told with its line, and the next right file counts",
    ),
    (
        "cluster",
        "e2e/test_root.py::test_two_daemons_on_one_root",
        "two processes are given one root",
        "the second one waits, says for whom, and takes over when the first one is gone",
    ),
    (
        "cluster",
        "e2e/test_restart.py::test_ready_at_once_without_the_remote",
        "pods start on a populated volume while the remote is gone",
        "ready at once, with what is published",
    ),
    (
        "cluster",
        "e2e/test_replicas.py::test_replica_that_hears_nothing",
        "a replica misses what the others are told",
        "it is one period late",
    ),
)
FAULTS: Final = [
    Fault(area=area, what=what, then=then, test=test.partition("::")[0]) for area, test, what, then in TOLD
]
