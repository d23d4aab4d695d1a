"""Monitors, alerts and dashboard fit the metrics that there are."""

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from secret_refresher.adapters.metrics.families import families
from secret_refresher.adapters.metrics.ledger import Ledger
from support.chart import Object, ci_values, one, render, secret_token, source_values
from support.cluster_assets import lacking
from support.pages import ROOT, anchors

RUNBOOK = ROOT / "docs" / "runbook.md"
HERE = os.path.dirname(os.path.abspath(__file__))
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def promtool(*arguments: str) -> str:
    """What promtool prints; the test is skipped where there is none."""
    found = shutil.which("promtool")
    if found is None:
        lacking("there is no promtool on the PATH", "install Prometheus (Debian: prometheus)")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts(values: object) -> Object:
    """The groups of the PrometheusRule."""
    spec: Object = one(render(values), "PrometheusRule")["spec"]
    return spec


def dashboard() -> Object:
    """The dashboard as Grafana reads it."""
    [found] = [
        found for found in render({"dashboard": {"enabled": True}}) if found["kind"] == "ConfigMap"
    ]
    board: Object = json.loads(found["data"]["secret-refresher.json"])
    return board


class Nothing:
    """An engine without tokens."""

    tokens = staticmethod(list[Any])
    busy = staticmethod(dict[str, int])
    unavailable_origins = staticmethod(frozenset[str])
    heartbeat = staticmethod(float)


def metrics() -> set[str]:
    """Every metric that the daemon has, as a query names it."""
    ledger = Ledger()
    ledger.reload_successful = 1
    ledger.leader[0] = 1
    names = set(PROCESS)
    for family in families([], ledger, Nothing(), 0.0, 0.0):
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        names |= {family.name + end for end in endings.get(str(family.kind), [""])}
    return names


def queried(text: str) -> set[str]:
    """The metrics that a query names."""
    return set(re.findall(r"\b(?:secret_refresher|process)_[a-z_]+\b", text))


def expressions() -> list[str]:
    """Every query of the dashboard, its variables filled in."""
    return [
        re.sub(r"\$(job|namespace|token)", ".*", target["expr"]).replace("$__rate_interval", "5m")
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ]


def test_one_monitor_or_the_other() -> None:
    """Both find the pod by its labels and give it the release's name as job."""
    for key, kind, ends in (
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ):
        objects = render(source_values(secret_token(), **{key: {"enabled": True}}))
        spec = one(objects, kind)["spec"]
        labels = one(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        [end] = spec[ends]
        assert end["relabelings"][0] == {"targetLabel": "job", "replacement": "sr-secret-refresher"}
        assert (end["port"], end["path"]) == ("metrics", "/metrics")
    service = one(render(ci_values()["monitoring"]), "Service")
    monitor = one(render(ci_values()["monitoring"]), "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_alerts_are_rules(tmp_path: Any) -> None:
    """Prometheus takes them."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(alerts(ci_values()["monitoring"])))
    assert "11 rules found" in promtool("check", "rules", str(path))


def test_alerts_fire(tmp_path: Any) -> None:
    """Each fires for what it is there for, and not before."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(alerts(ci_values()["monitoring"])))
    shutil.copy(os.path.join(HERE, "alerts_test.yaml"), tmp_path / "test.yaml")
    promtool("test", "rules", str(tmp_path / "test.yaml"))


def test_every_alert_is_tested_and_has_a_runbook() -> None:
    """No alert without an example that makes it fire, and without a section on what to do."""
    with open(os.path.join(HERE, "alerts_test.yaml"), encoding="utf-8") as file:
        tests = yaml.safe_load(file)["tests"]
    fired = set(re.findall(r'alertname="(\w+)"', json.dumps(tests).replace("\\", "")))
    rules = [
        rule for group in alerts(ci_values()["monitoring"])["groups"] for rule in group["rules"]
    ]
    assert {rule["alert"] for rule in rules} == fired
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page.endswith("/docs/runbook.md")
        assert anchor in anchors(RUNBOOK)
        assert f"### {rule['alert']}\n" in RUNBOOK.read_text()
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["labels"]["team"] == "blue"


@pytest.mark.parametrize(("at", "rest"), [(None, "0.125"), (0.9, "0.05"), (0.5, "0.125")])
def test_alerts_know_when_a_refresh_was_due(at: float | None, rest: str) -> None:
    """A token that is refreshed late by intent raises no alarm."""
    late = {**secret_token("late"), "refresh": {"at": at}}
    text = json.dumps(
        alerts(
            source_values(
                secret_token("a"),
                late,
                podMonitor={"enabled": True},
                prometheusRule={"enabled": True},
            )
        )
    )
    [found] = re.findall(r"< ([0-9.e-]+) \* ", text)
    assert abs(float(found) - float(rest)) < 1e-9


def test_queries_name_metrics_that_there_are() -> None:
    """Alerts and dashboard ask for nothing that the daemon does not export."""
    text = json.dumps(alerts(ci_values()["monitoring"]))
    assert queried(text) <= metrics()
    assert queried(" ".join(expressions())) <= metrics()


def test_the_dashboard_shows_everything() -> None:
    """Every metric of the daemon has a panel."""
    shown = queried(" ".join(expressions()))
    histogram = {name for name in metrics() if name.endswith(("_count", "_sum"))}
    assert metrics() - histogram - shown == set()


def test_dashboard_queries_are_queries(tmp_path: Any) -> None:
    """Prometheus takes each of them."""
    path = tmp_path / "rules.yaml"
    rules = [{"record": f"r{n}", "expr": expr} for n, expr in enumerate(expressions())]
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))


def test_dashboard_panels_do_not_overlap() -> None:
    """Each has a number and a place of its own, within 24 columns."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
