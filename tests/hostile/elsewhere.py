"""What other suites show of those who mean harm: the tests are with their mechanism, and the catalogue has them too."""

from typing import Final

from tests.faults.catalogue import Fault

FAULTS: Final = [
    Fault(area="hostile", what=what, then=then, test=test)
    for test, what, then in (
        (
            "integration/test_limits.py",
            "a few objects say that there are billions of files, or files without end",
            "with `--max-files`, `--max-size` or `--max-fetch` refused (`too_large`) before anything is written",
        ),
        (
            "integration/test_symlinks.py",
            "a link leads out of what is published, by way of other links, submodules or two entries of one name",
            "with `--symlinks=deny-escaping` refused (`link_escapes`) before anything is written",
        ),
        (
            "unit/config/test_rules.py",
            "a repository or a ref is called like an option of git",
            "refused at the start, with the option and the remedy",
        ),
        (
            "integration/test_refused_commits.py",
            "names, encodings, modules or commands in `.gitmodules` that git refuses",
            "refused (`bad_commit`, `submodule`), not fetched again, and no store is given up for it",
        ),
        (
            "integration/test_refused_commits.py",
            "large commits come one after the other, and each of them is refused once it was fetched",
            "what was fetched for them is collected as garbage, and does not fill the volume",
        ),
        (
            "integration/test_submodules.py",
            "more submodules than anybody needs, or nested without end",
            "refused (`too_many_submodules`)",
        ),
        (
            "integration/test_planted.py",
            "who can write to the volume puts links and pipes where git works, or another server into a configuration",
            "nothing is followed, no pass waits twice, and what was planted is removed",
        ),
        (
            "integration/test_gitdir.py",
            "who can write to the volume puts configuration and hooks into a store",
            "git never reads them",
        ),
        (
            "integration/test_prober_stories.py",
            "a server answers the cheap question with anything at all",
            "an answer that is not right in every byte counts for nothing, and git is asked",
        ),
        (
            "auth/test_http_logins.py",
            "a server redirects to another one, which asks for a login",
            "the login stays with the server that it was given for",
        ),
        ("auth/test_fetchurl.py", "a server of logins redirects to strangers, or answers without end", "refused"),
        (
            "e2e/test_secrets.py",
            "somebody reads log, pages, arguments, environments and the volume for secrets",
            "there is none in any of them",
        ),
        (
            "e2e/test_receiver_flood.py",
            "thousands of webhooks during a pass",
            "two passes are run for them, and the last commit is published",
        ),
        (
            "integration/test_connections.py",
            "callers hold all connections open: idle, slow, or busy",
            "probes are answered, and who has waited longest makes way",
        ),
        (
            "unit/receiver/providers/test_properties.py",
            "a webhook has any headers and any body, signed or not",
            "refused, or read for what it is; never an accident",
        ),
    )
]
