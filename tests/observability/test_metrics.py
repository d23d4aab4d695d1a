"""What Prometheus sees of a running engine."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from secret_refresher.adapters.metrics import BUCKETS, PREFIX, Metrics
from secret_refresher.config.model import Config, Refresh, TokenConfig
from secret_refresher.ports import ConfigRefused, Exchange
from support.tokens import WALL, token_config
from support.world import World

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def world() -> World:
    """A world of which metrics are kept."""
    return World()


@pytest.fixture
def metrics(world: World) -> Iterator[Metrics]:
    """Metrics of that world; watch after the start."""
    kept = Metrics(world)
    world.observers.append(kept)
    yield kept
    assert not world.defects()


def begin(world: World, metrics: Metrics, *tokens: TokenConfig) -> None:
    """Starts a daemon."""
    metrics.watch(world.start(Config(tokens=tokens)))


def scrape(metrics: Metrics) -> Samples:
    """Every sample by name and labels, parsed back from the text format."""
    _, body = metrics.exposition("text/plain")
    return {
        (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """One series."""
    return name, frozenset(labels.items())


def test_a_fresh_token_is_told_by_its_times(world: World, metrics: Metrics) -> None:
    """Issue, expiry and next refresh are wall clock seconds; the token is healthy."""
    begin(world, metrics, token_config())
    world.run(1010)
    told = scrape(metrics)
    issued = told[key("token_issued_timestamp_seconds", token="partner-api")]
    expires = told[key("token_expiry_timestamp_seconds", token="partner-api")]
    following = told[key("next_refresh_timestamp_seconds", token="partner-api")]
    assert WALL + 1000 <= issued < WALL + 1001
    assert expires == issued + 100
    assert issued + 40 <= following <= issued + 50
    assert told[key("token_healthy", token="partner-api")] == 1
    assert told[key("tokens", state="fresh")] == 1
    assert told[key("sinks", kind="file", state="current")] == 1
    assert told[key("refreshes_total", token="partner-api", result="success")] == 1
    assert told[key("publishes_total", kind="file", result="written")] == 1


def test_unknown_times_are_absent_not_zero(world: World, metrics: Metrics) -> None:
    """Before the first token no timestamp is shown, so that no alert sees 1970."""
    token = token_config()
    world.service(token).away.append((0, 1e9))
    begin(world, metrics, token)
    world.run(1005)
    told = scrape(metrics)
    assert not [name for name, _ in told if "timestamp" in name and name.startswith("token_")]
    assert told[key("token_healthy", token="partner-api")] == 0
    failures = told[key("refresh_failures_total", token="partner-api", reason="connect")]
    assert failures == told[key("refreshes_total", token="partner-api", result="failure")] > 0


def test_a_failing_sink_names_token_and_reason(world: World, metrics: Metrics) -> None:
    """Who looks at metrics alone learns which token cannot be published, and why."""
    begin(world, metrics, token_config())
    world.turn_bad("/tokens/partner-api-0")
    world.run(1005)
    told = scrape(metrics)
    assert told[key("refresh_failures_total", token="partner-api", reason="no_space")] > 0
    assert told[key("publishes_total", kind="file", result="failed")] > 0


def test_a_removed_tokens_series_go(world: World, metrics: Metrics) -> None:
    """A token that the configuration no longer has leaves no series behind."""
    begin(world, metrics, token_config("kept"), token_config("gone"))
    world.run(1005)
    assert key("token_healthy", token="gone") in scrape(metrics)
    world.engine.reconfigure(Config(tokens=(token_config("kept"),)))
    world.run(1006)
    assert not [labels for _, labels in scrape(metrics) if ("token", "gone") in labels]


def test_a_healthy_token_costs_at_most_twelve_series(world: World, metrics: Metrics) -> None:
    """Series per token are bounded."""
    begin(world, metrics, token_config())
    world.run(1300)
    mine = [labels for _, labels in scrape(metrics) if ("token", "partner-api") in labels]
    assert 0 < len(mine) <= 12


def test_requests_are_told_by_origin(world: World, metrics: Metrics) -> None:
    """Counts by status, a cumulative histogram, availability, and the clock's skew."""
    begin(world, metrics, token_config())
    where = "https://a.example.com:443"
    metrics.notice(world.subject(), Exchange(where, 200, 0.2, reached=True, skew=-3.0))
    metrics.notice(world.subject(), Exchange(where, None, 9.0, reached=False))
    told = scrape(metrics)
    assert told[key("token_requests_total", origin=where, code="200")] == 1
    assert told[key("token_requests_total", origin=where, code="none")] == 1
    name = "token_request_duration_seconds"
    assert told[key(f"{name}_bucket", origin=where, le="0.25")] == 1
    assert told[key(f"{name}_bucket", origin=where, le="+Inf")] == 2
    assert told[key(f"{name}_sum", origin=where)] == pytest.approx(9.2)
    assert told[key("origin_available", origin=where)] == 1
    assert told[key("clock_skew_seconds", origin=where)] == -3
    assert list(BUCKETS) == sorted(BUCKETS)


def test_a_refused_configuration_is_told(world: World, metrics: Metrics) -> None:
    """The last reload's result is a gauge."""
    begin(world, metrics, token_config())
    world.run(1001)
    assert scrape(metrics)[key("config_last_reload_successful")] == 1
    metrics.notice(None, ConfigRefused(("a problem",)))
    assert scrape(metrics)[key("config_last_reload_successful")] == 0


def test_no_created_series(world: World, metrics: Metrics) -> None:
    """Nobody pays for `_created`."""
    begin(world, metrics, token_config())
    world.run(1300)
    assert not [name for name, _ in scrape(metrics) if name.endswith("_created")]


def test_openmetrics_where_asked_for(world: World, metrics: Metrics) -> None:
    """A scraper that prefers OpenMetrics gets it."""
    begin(world, metrics, token_config(refresh=Refresh()))
    content_type, body = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
