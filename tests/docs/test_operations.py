"""The pages for operators know everything that can be seen and everything that can fail."""

import ast
import inspect
import re
from collections.abc import Mapping, Sequence

import pytest

from secret_refresher.adapters import logs
from secret_refresher.adapters.metrics import PREFIX
from secret_refresher.adapters.metrics.families import families
from secret_refresher.adapters.metrics.ledger import Ledger
from secret_refresher.adapters.metrics.text import Family, Kind
from secret_refresher.errors import Reason
from secret_refresher.lifecycle.state import TOKEN_STATES, SinkState, TokenState, Work
from secret_refresher.ports import ConfigTaken, Electing, Subject
from secret_refresher.probes import probes
from support.pages import PAGES, ROOT, section, table_keys

PAGE = ROOT / "docs" / "operations.md"


class Empty:
    """An engine without tokens; implements `ports.View`."""

    def tokens(self) -> Sequence[tuple[Subject, TokenState]]:
        """None."""
        return []

    def heartbeat(self) -> float:
        """Long ago."""
        return 0.0

    def unavailable_origins(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def busy(self) -> Mapping[str, int]:
        """Nobody."""
        return {}


class Still:
    """A clock that stands."""

    def now(self) -> float:
        """The beginning."""
        return 0.0

    def wall(self) -> float:
        """The beginning."""
        return 0.0


def exported() -> list[Family]:
    """Every family that a scrape can show."""
    ledger = Ledger()
    ledger.count(None, ConfigTaken(0, 0, 0, 0), 0.0)
    ledger.count(None, Electing(1), 0.0)
    return list(families([], ledger, Empty(), 0.0, 0.0))


def as_shown(family: Family) -> str:
    """The name that Prometheus knows a family by."""
    return f"{family.name}_total" if family.kind is Kind.COUNTER else family.name


def test_every_metric_is_explained() -> None:
    """The table of metrics has each family that is exported, and no other."""
    told = table_keys(section(PAGE, "Metrics"))
    shown = {as_shown(family).removeprefix(PREFIX) for family in exported()}
    assert len(shown) > 15
    assert {name for name in told if not name.startswith("process_")} == shown


def test_metrics_that_pages_name_exist() -> None:
    """Rules and commands in the pages use names that are exported."""
    shown = {as_shown(family) for family in exported()}
    shown |= {f"{name}_{part}" for name in shown for part in ("bucket", "sum", "count")}
    for page in PAGES:
        for name in re.findall(rf"\b{PREFIX}[a-z_]+\b", page.read_text()):
            # A name cut short, as for grep, may be the beginning of one.
            assert any(known.startswith(name) for known in shown), f"{page.name}: {name}"


def test_every_reason_has_a_remedy() -> None:
    """The table of reasons has each one, and no other."""
    assert table_keys(section(PAGE, "Reasons")) == {str(reason) for reason in Reason}


def test_every_reason_has_a_section_in_the_runbook() -> None:
    """Each has its own, and no other stands among them."""
    told = section(ROOT / "docs" / "runbook.md", "Reasons")
    assert set(re.findall(r"^### (\w+)$", told, re.MULTILINE)) == {str(each) for each in Reason}


@pytest.mark.parametrize("heading", ["Token states", "Sink states"])
def test_every_state_is_explained(heading: str) -> None:
    """Each state that `tokens` and `sinks` are counted by has its row."""
    states = set(TOKEN_STATES) if heading == "Token states" else {str(s) for s in SinkState}
    assert table_keys(section(PAGE, heading)) == states


def test_every_probe_is_explained() -> None:
    """The table of probes has each path."""
    paths = {path for path in table_keys(section(PAGE, "Probes")) if path.startswith("/")}
    assert paths == {*probes(Empty(), Still(), lambda: True), "/metrics", "/", "/status.json"}


def logged() -> set[str]:
    """The events that the logs can hold, as they stand in the source."""
    tree = ast.parse(inspect.getsource(logs))
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Tuple) or len(node.elts) != 3:
            continue
        event = node.elts[1]
        if isinstance(event, ast.Constant):
            found.add(str(event.value))
        elif isinstance(event, ast.JoinedStr):
            found |= {f"sink {work} failed" for work in Work}
    return found


def test_every_log_event_is_explained() -> None:
    """The table of logs has each event that can be logged, and no other."""
    assert len(logged()) > 15
    assert table_keys(section(PAGE, "Logs")) == logged()
