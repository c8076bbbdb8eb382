"""The page for people: HTML from a template, without scripts, cookies or anything from elsewhere.

Whoever can commit, or answers for the server, writes some of what it shows. So the template escapes all of it, secrets
and what does not print are taken out before, and the policy lets a browser do nothing but show it and send the one
form. Called by HTTP threads.
"""

import base64
import functools
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gitsync import __version__
from gitsync.base.redact import scrub_value
from gitsync.server.looking import look
from gitsync.server.routes import Response
from gitsync.server.view import view
from gitsync.telling.status import RepoStatus

if TYPE_CHECKING:
    from jinja2 import Template

HTML: Final = "text/html; charset=utf-8"
_HERE: Final = Path(__file__).parent
# https://www.rfc-editor.org/rfc/rfc9110#name-quality-values
_NOT: Final = re.compile(r"q=0(\.0{0,3})?")


@dataclass(frozen=True, kw_only=True)
class Page:
    """The page; a pass can be asked for by hand with its form, or at another port, or not at all."""

    sync_port: int | None = None
    has_form: bool = False

    def answer(self, status: int, snapshots: Sequence[RepoStatus], *, git_version: str | None) -> Response:
        """Return the page about these snapshots, with this HTTP status."""
        template, style, policy = _template()
        now, clock = time.time(), time.monotonic()
        views = []
        for snapshot in snapshots:
            found, failure = look(snapshot)
            views.append(view(snapshot, found=found, failure=failure, now=now, clock=clock))
        shown = scrub_value({"repos": views, "version": __version__, "git_version": git_version})
        body = template.render(shown, style=style, sync_port=self.sync_port, has_form=self.has_form)
        # A policy of no-referrer would take the origin from the form, which has to say where it comes from.
        headers = (("Content-Security-Policy", policy), ("Referrer-Policy", "same-origin"))
        return Response(status, body.encode(), HTML, headers=headers)


def wants_page(accept: str) -> bool:
    """Say whether somebody asks for HTML by its name, as browsers do; probes and scripts take whatever comes."""
    for part in accept.lower().split(","):
        kind, *parameters = map(str.strip, part.split(";"))
        if kind == "text/html":
            return not any(map(_NOT.fullmatch, parameters))
    return False


@functools.cache
def _template() -> "tuple[Template, Any, str]":
    """Return the template, its style, and a policy that allows this style alone."""
    # Here, because most processes are never looked at: 20 ms and 2.5 MB.
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style = (_HERE / "page.css").read_text()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # https://www.w3.org/TR/CSP3/
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return environment.from_string((_HERE / "page.html").read_text()), Markup(style), policy  # noqa: S704 (it is ours)
