"""Writes the options into the chart of the sidecar: its values, schema and template; --check only compares."""

import json
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from option_schema import property_of

from gitsync.config.model import all_options, process_options
from gitsync.config.option import Option

CHART: Final = Path(__file__).parents[1] / "k8s" / "chart" / "gitsync" / "charts" / "poll"
# The templates set these themselves, or they are for a process that ends, or for several repositories.
OF_THE_CHART: Final = frozenset(
    (
        "config",
        "root",
        "link",
        "http_bind",
        "receiver_bind",
        "receiver_secret",
        "receiver_secret_file",
        "peers",
        "one_time",
    )
)


def options() -> dict[str, Option]:
    """Return those that may be written into values, by their name there, such as `syncTimeout`."""
    return _named(each for each in all_options() if not each.spelling.env_only)


def secret_options() -> dict[str, Option]:
    """Return those that are, or may hold, a secret."""
    return _named(each for each in all_options() if each.secret)


def _named(found: Iterable[Option]) -> dict[str, Option]:
    ours = [each for each in found if each.name not in OF_THE_CHART]
    return {re.sub(r"_(\w)", lambda match: match[1].upper(), each.name): each for each in ours}


def schema(written: str) -> str:
    """Return the schema with the options in it."""
    content = json.loads(written)
    parts = {
        "options": {name: property_of(option) for name, option in options().items()},
        "secretOptions": {
            name: {"description": option.help, "$ref": "#/definitions/key"} for name, option in secret_options().items()
        },
    }
    for part, properties in parts.items():
        content["properties"][part] = {"type": "object", "additionalProperties": False, "properties": properties}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def values(written: str) -> str:
    """Return the values with a comment for each option."""
    for part, named in (("options", options()), ("secretOptions", secret_options())):
        lines = [line for name, option in named.items() for line in comment(name, option)]
        block = "\n".join([f"# <{part}>", *lines, f"# </{part}>"])
        written = re.sub(rf"# <{part}>\n.*?# </{part}>", lambda _, block=block: block, written, flags=re.S)
    return written


def comment(name: str, option: Option) -> list[str]:
    """Return the lines that explain an option."""
    default = "" if option.default is None else f" Default: {option.default}."
    text = f"{name}: {option.help.replace('`', '')}{default}"
    return textwrap.wrap(text, 140, initial_indent="#   ", subsequent_indent="#       ", break_on_hyphens=False)


def template(written: str) -> str:
    """Return the template with the options that a file of several repositories has none of."""
    names = textwrap.fill(" ".join(_named(process_options())), 140)
    start = '{{- define "gitsync.ofTheProcess" -}}\n'
    return re.sub(rf"(?<={re.escape(start)}).*?(?=\n{{{{)", names, written, flags=re.S)


def main() -> int:
    """Write the files, or say which of them are out of date."""
    stale = []
    places = {"values.yaml": values, "values.schema.json": schema, "templates/_poll.tpl": template}
    for name, renewed in places.items():
        file = CHART / name
        written = file.read_text()
        if renewed(written) != written:
            stale.append(file)
            if "--check" not in sys.argv:
                file.write_text(renewed(written))
    if stale and "--check" in sys.argv:
        print(*(f"{file} is out of date; run scripts/docs" for file in stale), sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
