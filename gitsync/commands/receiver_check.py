"""`gitsync receiver-check`: sends an event as a provider would, and explains the answer."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from gitsync.base.errors import EXIT_OK, FetchError
from gitsync.base.fetchurl import Answer
from gitsync.base.printable import printable
from gitsync.base.reaching import plain_url
from gitsync.base.redact import scrub
from gitsync.commands import EXIT_UNASKED
from gitsync.commands.parameters import of_sidecar
from gitsync.commands.sidecar import Sidecar, find
from gitsync.config import is_full_hash, load_followed
from gitsync.receiver import samples
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.request import Request

_HELP: Final = """
Send a push to the gitsync at URL as PROVIDER would, signed with the secret, and explain the answer.

URL is such as https://sync.example.com/webhook. Without one it is the gitsync in this container, or wherever the
same variables lead.

\b
Exit status:
  0    the event was let in
  2    the arguments, or the variables, cannot be used
  3    there is no such server, or it does not let us in
"""
_PATH: Final = "/webhook"
# Seconds; the least patient provider waits as long.
_PATIENCE: Final = 5.0
# So much of an answer is a sentence of ours, and not somebody's page.
_SENTENCE: Final = 300
_MEANINGS: Final = {
    200: "let in",
    202: "let in, and a pass is started",
    401: "not let in",
    404: "there is no receiver",
    405: "no POST is taken",
    413: "the event is too large",
    503: "not now",
}
_CURES: Final = {
    200: "if another ref or repository is followed there, name the ref with --ref",
    401: "the secrets here and there have to be the same; does --receiver-provider name another provider there?",
    404: "the receiver is off without a secret (--receiver-secret-file), and with --receiver-bind it has another port; "
    "behind an Ingress the URL has to lead to that port",
    405: "use the URL itself, with https where there is TLS",
    413: "that is a limit of what is in between, such as an Ingress",
    503: "either the secret cannot be read there (the log says why), or an Ingress finds no gitsync",
}
_REDIRECTED: Final = "that is a redirect, which no event follows: use the URL that it leads to"
_IN_BETWEEN: Final = "that is no answer of gitsync's: look at what is in between, such as an Ingress or a proxy"
_UNREACHED: Final = {
    "connect": "does gitsync run there, is it the right port (--receiver-bind, else --http-bind), and may we reach it "
    "(NetworkPolicy, proxy)?",
    "dns": "check the host of the URL",
    "timeout": "who is there does not answer: is it a gitsync, or an Ingress that does not reach one?",
}


@click.command("receiver-check", help=_HELP)
@click.argument("provider", type=click.Choice(sorted(provider.name for provider in PROVIDERS)))
@of_sidecar
@click.option("--ref", help="The branch or tag that is pushed to; else what the variables of the sidecar follow.")
@click.option("--ping", is_flag=True, help="Send the provider's ping, and no push.")
@click.pass_obj
def receiver_check(
    environ: Mapping[str, str], provider: str, url: str | None, secret_file: Path | None, ref: str | None, ping: bool
) -> int:
    """Send an event; return the exit code."""
    sidecar = find(environ, url=url and url.rstrip("/").removesuffix(_PATH), secret_file=secret_file)
    secret = sidecar.secret.reveal().encode(errors="surrogateescape")
    repo, followed = load_followed(environ)
    if not (ref or ping) and followed.chooses:
        raise click.UsageError(f"one of several refs is followed there ({followed.options}): name one with --ref")
    pushed = None if ping else _full_name(ref or followed.ref)
    event = (
        samples.push(provider, secret=secret, now=time.time(), ref=pushed, repo=repo)
        if pushed
        else samples.ping(provider, secret=secret, now=time.time())
    )
    if event is None:
        raise click.UsageError(f"{provider} has no ping: leave --ping out")
    what = f"a push to {pushed}" if pushed else "a ping"
    click.echo(printable(f"{what}, as {provider} sends it, to {plain_url(sidecar.url)}{_PATH}"))
    return _explain(_send(sidecar, event), is_push=pushed is not None)


def _full_name(ref: str) -> str:
    """Return a ref that who follows `ref` takes for it; HEAD may be any branch, and a commit be in any."""
    if ref == "HEAD" or is_full_hash(ref.lower()):
        return "refs/heads/main"
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def _send(sidecar: Sidecar, event: Request) -> Answer:
    headers = {name: value.decode("latin-1") for name, value in event.headers.items()}
    try:
        return sidecar.post(_PATH, timeout=_PATIENCE, headers=headers, body=event.body)
    except FetchError as error:
        raise FetchError(str(error), reason=error.reason, hint=_UNREACHED.get(error.reason, error.hint)) from None


def _explain(answer: Answer, *, is_push: bool) -> int:
    """Say what an answer means, and what to do; return the exit code."""
    code = EXIT_OK if answer.status in {200, 202} else EXIT_UNASKED
    told = answer.body.decode(errors="replace").strip()
    meaning = _MEANINGS.get(answer.status, "not let in")
    ours = f" ({told})" if told and len(told) < _SENTENCE and "<" not in told and "\n" not in told else ""
    cure = _CURES.get(answer.status, _REDIRECTED if 300 <= answer.status < 400 else _IN_BETWEEN)
    lines = [f"{answer.status}{answer.by}: {meaning}{ours}"]
    if answer.status != 202 and (is_push or answer.status != 200):
        lines.append(cure)
    for line in lines:
        click.echo(printable(scrub(line)), err=code != EXIT_OK)
    return code
