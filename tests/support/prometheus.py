"""A real Prometheus server on a free port, which scrapes and answers queries, and the program that comes with it."""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import pytest
import yaml

from tests.support.eventually import TIMEOUT, GaveUpError, eventually

_EVERY: Final = "500ms"

Sample = dict[str, Any]


def program(name: str) -> str:
    """Return where prometheus or promtool is; skip the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} (Debian: prometheus)")
    return found


class Prometheus:
    """Scrapes each target, with labels of its own, twice a second; keeps all it has in a new directory."""

    def __init__(
        self, directory: Path, targets: Mapping[str, Mapping[str, str]], *, rules: Sequence[Path] = ()
    ) -> None:
        command = program("prometheus")
        directory.mkdir()
        static = [{"targets": [target], "labels": dict(labels)} for target, labels in targets.items()]
        configuration = {
            "global": {"scrape_interval": _EVERY, "scrape_timeout": _EVERY, "evaluation_interval": _EVERY},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [{"job_name": "gitsync", "static_configs": static}],
        }
        file, self._log = directory / "prometheus.yml", directory / "prometheus.log"
        file.write_text(yaml.safe_dump(configuration))
        arguments = [f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [command, *arguments, "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._port = int(eventually(self._listening)[1])
            eventually(lambda: self._get("/-/ready")[0] == 200)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def query(self, expression: str) -> list[Sample]:
        """Return the samples that an expression gives now; fail if it cannot be understood."""
        result: list[Sample] = self._ask("/api/v1/query?" + urlencode({"query": expression}))["result"]
        return result

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self._ask("/api/v1/alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def close(self) -> None:
        """End it, and print its log, which pytest shows if the test failed."""
        self._process.kill()
        self._process.wait(TIMEOUT)
        print(self._log.read_text())

    def _listening(self) -> re.Match[str] | None:
        log = self._log.read_text()
        if self._process.poll() is not None:
            raise GaveUpError(f"prometheus has ended:\n{log}")
        return re.search(r"Listening on\S* address=127\.0\.0\.1:(\d+)", log)

    def _ask(self, path: str) -> dict[str, Any]:
        status, body = self._get(path)
        assert status == 200, body
        data: dict[str, Any] = json.loads(body)["data"]
        return data

    def _get(self, path: str) -> tuple[int, str]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
