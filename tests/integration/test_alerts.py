"""The alert rules: each fires for what it is about, says what it should, and is silent where nothing is wrong.

Series are written with a value a minute: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.manifests import PROJECT, of_kind, render, validate
from tests.support.monitoring import MONITORING, RULES, alerts, dashboard
from tests.support.prometheus import program

TARGET = {"job": "site", "instance": "10.0.0.1:9484", "pod": "site-0", "namespace": "shop"}
OTHER = {"job": "site", "instance": "10.0.0.2:9484", "pod": "site-1", "namespace": "shop"}
# What is about no repository.
OF_THE_PROCESS = re.compile(
    r"up|process_\w+|gitsync_config_\w+|gitsync_(?:build_info|receiver_requests_total|peers_told_total)\b.*"
)
REPO = {"repo": "docs"}
BUILD = 'gitsync_build_info{version="1"}'
PUBLISHED = 'gitsync_published_info{{url="https://h/r.git",ref="refs/heads/main",hash="{}"}}'
LABELS_OF_REPLICAS = {"namespace": "shop", "job": "site", "url": "https://h/r.git", "ref": "refs/heads/main", **REPO}


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a target shows, and another, and what there is at a time: the labels that an alert adds, and what it says.

    At `waiting` what it is about is there already, and not for long enough.
    """

    alert: str
    at: str
    shown: Mapping[str, str]
    other: Mapping[str, str] = field(default_factory=dict)
    waiting: str = ""
    fires: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    grouped: bool = False

    @property
    def series(self) -> list[dict[str, str]]:
        """All series with the labels of their target, and those of a repository with its name."""
        return [
            {
                "series": _labelled(
                    name, target | ({} if OF_THE_PROCESS.fullmatch(name) or 'repo="' in name else REPO)
                ),
                "values": values,
            }
            for shown, target in ((self.shown, TARGET), (self.other, OTHER))
            for name, values in shown.items()
        ]


def _labelled(name: str, labels: Mapping[str, str]) -> str:
    listed = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name[:-1]},{listed}}}" if name.endswith("}") else f"{name}{{{listed}}}"


def stale(last: str, *, paused: str = "0x60", after: str = "150x60") -> dict[str, str]:
    """Return what a target shows of its last success."""
    return {
        "gitsync_last_success_timestamp_seconds": last,
        "gitsync_stale_after_seconds": after,
        "gitsync_paused": paused,
    }


def behind(since: str, *, paused: str = "0x60") -> dict[str, str]:
    """Return what a target shows of a commit that waits."""
    return {"gitsync_behind_since_timestamp_seconds": since, "gitsync_paused": paused}


def failing(reason: str, values: str, *, in_a_row: str) -> dict[str, str]:
    """Return what a target shows of passes that fail."""
    return {f'gitsync_failures_total{{reason="{reason}"}}': values, "gitsync_consecutive_failures": in_a_row}


def inodes(available: str, *, of: str) -> dict[str, str]:
    """Return what a target shows of the inodes of its volume."""
    return {"gitsync_volume_available_inodes": available, "gitsync_volume_inodes": of}


def of_other(name: str) -> str:
    """Return a series of another repository in the same pod."""
    return _labelled(name, {"repo": "other"})


_FILE = "site-0 goes on with what its file of --config has said before, as it has mistakes now."
_BEHIND = (
    "In site-0 the remote of docs has had another commit than is published for 11m 0s, and the passes that should "
    "publish it fail."
)
_LFS = "site-0 publishes 3 files of docs as pointers to content that is kept in LFS."
HOOK = 'git_sync_hook_run_count_total{{name="{}",status="{}"}}'
REQUESTS = 'gitsync_receiver_requests_total{{provider="{}",outcome="{}"}}'
PEERS = 'gitsync_peers_told_total{{outcome="{}"}}'

FIRING = [
    Case(
        alert="GitsyncDown",
        at="15m",
        waiting="14m",
        shown={"up": "1x9 0x20", BUILD: "1x9 _x20"},
        fires="Prometheus cannot scrape gitsync in site-0. What is published stays, but nothing tells whether it is "
        "current.",
    ),
    Case(
        alert="GitsyncStale",
        at="20m",
        waiting="17m",
        shown=stale("600x60"),
        labels=REPO,
        fires="In site-0 the last pass of docs that succeeded was 10m 0s ago. What is published stays as it is.",
    ),
    *(
        Case(alert="GitsyncBehind", at="31m", shown=behind("0x19 1200x60") | other, labels=REPO, fires=_BEHIND)
        for other in ({}, {of_other("gitsync_paused"): "1x60"})
    ),
    Case(
        alert="GitsyncFailing",
        at="40m",
        waiting="16m",
        shown=failing("auth", "_x9 1+1x60", in_a_row="0x9 1+1x60"),
        labels={"reason": "auth", **REPO},
        fires="In site-0 no pass of docs succeeds, and 30 have failed within 30 minutes for the reason auth.",
    ),
    Case(
        alert="GitsyncHookFailing",
        at="40m",
        waiting="17m",
        shown={HOOK.format("exechook", "error"): "0x10 1+1x60", HOOK.format("exechook", "success"): "1x60"},
        labels={"name": "exechook", "status": "error", **REPO},
        fires="In site-0 30 runs of exechook of docs have failed within 30 minutes. Whoever it should tell of what is "
        "published may not know.",
    ),
    Case(
        alert="GitsyncVolumeLow",
        at="5m",
        waiting="4m",
        shown={
            "gitsync_volume_available_bytes": "2097152x60",
            "gitsync_store_size_bytes": "1048577x60",
            "gitsync_tree_size_bytes": "1048576x60",
        },
        labels=REPO,
        fires="The volume of site-0 has 2MiB left, less than the store and one tree of docs take. An update or a "
        "repair may not fit.",
    ),
    Case(
        alert="GitsyncInodesLow",
        at="5m",
        waiting="4m",
        shown={
            "gitsync_volume_available_inodes": "49x60",
            "gitsync_volume_inodes": "1000x60",
            of_other("gitsync_volume_available_inodes"): "49x60",
            of_other("gitsync_volume_inodes"): "1000x60",
        },
        fires="The volume of site-0 has 49 inodes left, fewer than one in twenty. Each file and directory takes one.",
    ),
    Case(
        alert="GitsyncUndeletable",
        at="130m",
        waiting="129m",
        shown={"gitsync_undeletable_directories": "0x9 2x200"},
        labels=REPO,
        fires="On the volume of site-0 2 old trees of docs hold files that gitsync may not remove. They take room.",
    ),
    Case(alert="GitsyncLfsPointers", at="12m", shown={"gitsync_lfs_pointers": "0x9 3x60"}, labels=REPO, fires=_LFS),
    Case(
        alert="GitsyncWebhooksRejected",
        at="30m",
        shown={REQUESTS.format("github", "unauthorized"): "1+1x60"},
        labels={"provider": "github", "outcome": "unauthorized"},
        fires="site-0 has refused 31 requests of the provider github within an hour: unauthorized. Updates wait "
        "for the next poll.",
    ),
    Case(
        alert="GitsyncPeersMissed",
        at="60m",
        shown={PEERS.format("told"): "0+1x90", PEERS.format("timeout"): "0x30 1+1x60"},
        labels={"outcome": "timeout"},
        fires="site-0 could not pass on 30 events within an hour: timeout. The replicas that were missed wait for "
        "their next poll.",
    ),
    Case(
        alert="GitsyncReplicasDiffer",
        at="25m",
        waiting="24m",
        shown={PUBLISHED.format("aa"): "1x60", "gitsync_paused": "0x60"},
        other={PUBLISHED.format("aa"): "1x9 _x60", PUBLISHED.format("bb"): "_x10 1x60", "gitsync_paused": "0x60"},
        labels=LABELS_OF_REPLICAS,
        grouped=True,
        fires="The replicas of site publish 2 different commits of refs/heads/main of docs (https://h/r.git).",
    ),
    Case(
        alert="GitsyncConfigInvalid", at="31m", waiting="25m", shown={"gitsync_config_valid": "1x19 0x60"}, fires=_FILE
    ),
    Case(
        alert="GitsyncPaused",
        at="1450m",
        waiting="1449m",
        shown={"gitsync_paused": "0x9 1x1500"},
        labels=REPO,
        fires="docs in site-0 has been paused for a day: nothing new is published until somebody resumes it.",
    ),
    Case(
        alert="GitsyncRestarts",
        at="30m",
        shown={"process_start_time_seconds": "10x5 400x5 800x5 1200x20", BUILD: "1x60"},
        fires="gitsync in site-0 has started 3 times anew within an hour.",
    ),
]

SILENT = {
    "down: another program": Case(alert="GitsyncDown", at="20m", shown={"up": "0x60"}),
    "stale: just not": Case(alert="GitsyncStale", at="20m", shown=stale("0+60x60")),
    "stale: a long period": Case(alert="GitsyncStale", at="20m", shown=stale("600x60", after="700x60")),
    "file: mended": Case(alert="GitsyncConfigInvalid", at="40m", shown={"gitsync_config_valid": "1x19 0x8 1x60"}),
    "stale: paused": Case(alert="GitsyncStale", at="20m", shown=stale("600x60", paused="1x60")),
    "behind: nothing": Case(alert="GitsyncBehind", at="31m", shown=behind("0x60")),
    "behind: a short time": Case(alert="GitsyncBehind", at="29m", shown=behind("0x19 1200x60")),
    "behind: paused": Case(alert="GitsyncBehind", at="31m", shown=behind("0x19 1200x60", paused="1x60")),
    "failing: it works again": Case(
        alert="GitsyncFailing", at="25m", shown=failing("auth", "_x9 1+1x9 10x60", in_a_row="0x9 1+1x9 0x60")
    ),
    "failing: now and then": Case(
        alert="GitsyncFailing", at="40m", shown=failing("dns", "1x20 2x20 3x20", in_a_row="0x60")
    ),
    "failing: another repository": Case(
        alert="GitsyncFailing",
        at="40m",
        shown=failing("auth", "1+1x60", in_a_row="0x60") | {of_other("gitsync_consecutive_failures"): "5x60"},
    ),
    "failing: somebody has paused it": Case(
        alert="GitsyncFailing", at="40m", shown=failing("paused", "1+1x60", in_a_row="5x60")
    ),
    "hook: the gate, which others tell of": Case(
        alert="GitsyncHookFailing", at="40m", shown={HOOK.format("pre-publish-exechook", "error"): "0+1x60"}
    ),
    "hook: it works": Case(alert="GitsyncHookFailing", at="40m", shown={HOOK.format("webhook", "success"): "0+1x60"}),
    "volume: room enough": Case(
        alert="GitsyncVolumeLow",
        at="10m",
        shown={
            "gitsync_volume_available_bytes": "2097153x60",
            "gitsync_store_size_bytes": "1048576x60",
            "gitsync_tree_size_bytes": "1048576x60",
        },
    ),
    "inodes: enough": Case(alert="GitsyncInodesLow", at="10m", shown=inodes("51x60", of="1000x60")),
    "inodes: nobody counts them": Case(alert="GitsyncInodesLow", at="10m", shown=inodes("0x60", of="0x60")),
    "undeletable: gone": Case(
        alert="GitsyncUndeletable", at="130m", shown={"gitsync_undeletable_directories": "0x9 2x70 0x100"}
    ),
    "lfs: none": Case(alert="GitsyncLfsPointers", at="40m", shown={"gitsync_lfs_pointers": "3x5 0x60"}),
    "webhooks: a few": Case(
        alert="GitsyncWebhooksRejected", at="60m", shown={REQUESTS.format("github", "unauthorized"): "1x20 5x60"}
    ),
    "webhooks: let in": Case(
        alert="GitsyncWebhooksRejected", at="60m", shown={REQUESTS.format("github", "accepted"): "0+1x60"}
    ),
    "peers: told": Case(alert="GitsyncPeersMissed", at="60m", shown={PEERS.format("told"): "0+1x60"}),
    "peers: a rollout": Case(alert="GitsyncPeersMissed", at="60m", shown={PEERS.format("timeout"): "0x20 2x60"}),
    "replicas: the same": Case(
        alert="GitsyncReplicasDiffer",
        at="30m",
        shown={PUBLISHED.format("aa"): "1x60"},
        other={PUBLISHED.format("aa"): "1x60"},
    ),
    "replicas: another repository": Case(
        alert="GitsyncReplicasDiffer",
        at="30m",
        shown={PUBLISHED.format("aa"): "1x60"},
        other={of_other(PUBLISHED.format("bb")): "1x60"},
    ),
    "replicas: another repository whose link has the same name": Case(
        alert="GitsyncReplicasDiffer",
        at="30m",
        shown={PUBLISHED.format("aa"): "1x60"},
        other={PUBLISHED.format("bb").replace("r.git", "s.git"): "1x60"},
    ),
    "replicas: one is paused": Case(
        alert="GitsyncReplicasDiffer",
        at="30m",
        shown={PUBLISHED.format("aa"): "1x60", "gitsync_paused": "1x60"},
        other={PUBLISHED.format("bb"): "1x60", "gitsync_paused": "0x60"},
    ),
    "replicas: what is paused is this repository, of several": Case(
        alert="GitsyncReplicasDiffer",
        at="30m",
        shown={PUBLISHED.format("aa"): "1x60", "gitsync_paused": "1x60", of_other("gitsync_paused"): "0x60"},
        other={PUBLISHED.format("bb"): "1x60", "gitsync_paused": "0x60"},
    ),
    "paused: not any more": Case(alert="GitsyncPaused", at="25h", shown={"gitsync_paused": "1x1400 0x200"}),
    "restarts: a rollout": Case(
        alert="GitsyncRestarts", at="30m", shown={"process_start_time_seconds": "10x5 400x60", BUILD: "1x60"}
    ),
    "restarts: another program": Case(
        alert="GitsyncRestarts", at="30m", shown={"process_start_time_seconds": "0+60x60", "up": "1x60"}
    ),
}


def expected(case: Case) -> list[dict[str, Any]]:
    """Return what Prometheus should have of the alert."""
    if not case.fires:
        return []
    rule = alerts()[case.alert]
    labels = {**({} if case.grouped else TARGET), **case.labels, **rule["labels"]}
    summary = rule["annotations"]["summary"]
    for name, value in case.labels.items():
        summary = summary.replace(f"{{{{ $labels.{name} }}}}", value)
    told = {**rule["annotations"], "summary": summary, "description": case.fires}
    return [{"exp_labels": labels, "exp_annotations": told}]


def run(case: Case, directory: Path) -> subprocess.CompletedProcess[str]:
    """Have promtool see whether it is as the case says."""
    test = {
        "interval": "1m",
        "input_series": case.series,
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected(case)}],
    }
    file = directory / "alerts.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    return subprocess.run(
        [program("promtool"), "test", "rules", file], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("case", FIRING, ids=lambda case: case.alert)
def test_fires(case: Case, tmp_path: Path) -> None:
    """What it is about makes it fire, with the words that whoever is woken reads."""
    done = run(case, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SILENT)
def test_stays_silent(name: str, tmp_path: Path) -> None:
    """What only looks like it does not."""
    done = run(SILENT[name], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", [case for case in FIRING if case.waiting], ids=lambda case: case.alert)
def test_waits(case: Case, tmp_path: Path) -> None:
    """What may be over in a moment wakes nobody."""
    done = run(replace(case, at=case.waiting, fires=""), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    """No rule is without a case in which it fires, and one in which it does not."""
    named: list[Sequence[str]] = [[case.alert for case in FIRING], [case.alert for case in SILENT.values()]]
    assert [set(each) for each in named] == [alerts().keys()] * 2
    assert {case.alert for case in FIRING if case.waiting} == {name for name, rule in alerts().items() if "for" in rule}


def test_prometheus_reads_the_rules() -> None:
    """promtool finds nothing wrong with the file."""
    done = subprocess.run([program("promtool"), "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_operators_form() -> None:
    """The command in docs/alerts.md makes a PrometheusRule of the rules, and no change to them."""
    (command,) = re.findall(r"```sh\n(.*?) \| kubectl apply -f -\n", (PROJECT / "docs" / "alerts.md").read_text(), re.S)
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True)
    made = yaml.safe_load(done.stdout)
    assert made["kind"] == "PrometheusRule"
    assert made["spec"] == yaml.safe_load(RULES.read_text())


def test_the_kustomization() -> None:
    """It has the PodMonitor, and the dashboard in a ConfigMap that Grafana's container finds."""
    manifests = render(MONITORING)
    assert of_kind("PodMonitor", manifests).keys() == {"site"}
    (shown,) = of_kind("ConfigMap", manifests).values()
    validate(shown)
    assert json.loads(shown["data"]["gitsync.json"]) == dashboard()
    assert shown["metadata"]["labels"] == {"grafana_dashboard": "1"}
