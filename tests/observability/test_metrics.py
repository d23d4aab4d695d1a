"""What Prometheus sees of a running engine."""

from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from secret_refresher.adapters.metrics import BUCKETS, PREFIX, Metrics
from secret_refresher.config.model import Config, State, TokenConfig
from secret_refresher.ports import ConfigRefused, Exchange, Subject
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


def test_an_unwanted_token_has_no_series(world: World, metrics: Metrics) -> None:
    """`state: absent` takes a token's series away, as its removal does."""
    begin(world, metrics, token_config("kept"), token_config("gone"))
    world.run(1005)
    world.engine.reconfigure(
        Config(tokens=(token_config("kept"), token_config("gone", state=State.ABSENT)))
    )
    world.run(1006)
    assert not [labels for _, labels in scrape(metrics) if ("token", "gone") in labels]


def test_a_token_that_comes_back_counts_from_zero(world: World, metrics: Metrics) -> None:
    """What was counted of a removed token is not kept for another of its name."""
    begin(world, metrics, token_config("kept"), token_config("gone"))
    world.run(1005)
    world.engine.reconfigure(Config(tokens=(token_config("kept"),)))
    world.run(1006)
    world.service(token_config()).away.append((0, 1e9))
    world.engine.reconfigure(Config(tokens=(token_config("kept"), token_config("gone"))))
    world.run(1007)
    assert scrape(metrics)[key("refreshes_total", token="gone", result="success")] == 0


def test_an_origin_goes_with_its_last_token(world: World, metrics: Metrics) -> None:
    """An authorization server that nobody asks any more raises no alert for ever."""
    other = "https://other.example.com"
    begin(world, metrics, token_config("kept"), token_config("gone", url=f"{other}/token"))
    world.run(1005)
    assert key("origin_available", origin=f"{other}:443") in scrape(metrics)
    world.engine.reconfigure(Config(tokens=(token_config("kept"),)))
    world.run(1006)
    told = scrape(metrics)
    assert not [labels for _, labels in told if ("origin", f"{other}:443") in labels]
    assert key("origin_available", origin="https://id.example.com:443") in told


def test_a_token_costs_at_most_twelve_series(world: World, metrics: Metrics) -> None:
    """Series per token are bounded, for one that has failed as well."""
    token = token_config()
    world.service(token).away.append((1100, 1e9))
    begin(world, metrics, token)
    world.run(1050)
    mine = ("token", "partner-api")
    assert len([labels for _, labels in scrape(metrics) if mine in labels]) == 11
    world.run(1300)
    assert len([labels for _, labels in scrape(metrics) if mine in labels]) == 12


def test_requests_are_told_by_origin(world: World, metrics: Metrics) -> None:
    """Counts by status, a cumulative histogram, availability, and the clock's skew."""
    begin(world, metrics, token_config())
    world.run(1001)
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
    begin(world, metrics, token_config())
    content_type, body = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


TABLE = {
    "token_expiry_timestamp_seconds": ("gauge", {"token"}),
    "token_issued_timestamp_seconds": ("gauge", {"token"}),
    "next_refresh_timestamp_seconds": ("gauge", {"token"}),
    "last_success_timestamp_seconds": ("gauge", {"token", "stage"}),
    "token_healthy": ("gauge", {"token"}),
    "tokens": ("gauge", {"state"}),
    "sinks": ("gauge", {"kind", "state"}),
    "refreshes_total": ("counter", {"token", "result"}),
    "refresh_failures_total": ("counter", {"token", "reason"}),
    "adoptions_total": ("counter", {"token"}),
    "drift_corrections_total": ("counter", {"token"}),
    "credential_reloads_total": ("counter", {"token"}),
    "publishes_total": ("counter", {"kind", "result"}),
    "token_requests_total": ("counter", {"origin", "code"}),
    "token_request_duration_seconds_bucket": ("histogram", {"origin", "le"}),
    "token_request_duration_seconds_count": ("histogram", {"origin"}),
    "token_request_duration_seconds_sum": ("histogram", {"origin"}),
    "origin_available": ("gauge", {"origin"}),
    "clock_skew_seconds": ("gauge", {"origin"}),
    "workers_busy": ("gauge", {"pool"}),
    "config_last_reload_successful": ("gauge", set()),
    "build_info": ("gauge", {"version", "python"}),
}
"""Every metric by type and labels: dashboards and alerts of others hang on them."""


def everything(world: World, metrics: Metrics) -> None:
    """Lets everything happen that any metric tells of."""
    token, odd = token_config(), token_config("odd", url='https://id.example.com/a"b\\c')
    begin(world, metrics, token, odd)
    world.run(1010)
    world.service(token).away.append((0, 1e9))
    world.run(1060)
    world.start(Config(tokens=(token, odd)))
    metrics.watch(world.engine)
    world.run(1070)
    where = 'https://a"b\\c\n.example.com:443'
    metrics.notice(Subject("odd", ()), Exchange(where, 200, 0.2, reached=True, skew=0.5))


def test_names_types_and_labels_are_those_of_the_contract(world: World, metrics: Metrics) -> None:
    """No metric more or less than the documented ones, each with its type and labels."""
    everything(world, metrics)
    _, body = metrics.exposition("text/plain")
    told = {
        sample.name.removeprefix(PREFIX): (family.type, set(sample.labels))
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if not sample.name.startswith("process_")
    }
    assert told == TABLE


def test_both_formats_say_the_same(world: World, metrics: Metrics) -> None:
    """A strict reader of either format finds the same series, odd label values included."""
    everything(world, metrics)
    _, plain = metrics.exposition("text/plain")
    _, openmetrics = metrics.exposition("application/openmetrics-text; version=1.0.0")

    def ours(families: Iterable[Metric]) -> Samples:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith(PREFIX)
        }

    told = ours(text_string_to_metric_families(plain.decode()))
    strict = openmetrics_parser.text_string_to_metric_families(openmetrics.decode())  # type: ignore[no-untyped-call]
    assert told == ours(strict)
    assert ("origin", 'https://a"b\\c\n.example.com:443') in {
        pair for _, labels in told for pair in labels
    }


def test_no_timestamp_is_ever_zero(world: World, metrics: Metrics) -> None:
    """Whatever has happened, a time that is shown is of this century."""
    token = token_config()
    world.service(token).away.append((1100, 1e9))
    begin(world, metrics, token)
    for instant in (1000.1, 1000.3, 1001, 1010, 1200):
        world.run(instant)
        for (name, _), value in scrape(metrics).items():
            assert value > WALL or not name.endswith("_timestamp_seconds")


def test_a_planned_refresh_is_the_same_number_at_every_scrape(
    world: World, metrics: Metrics
) -> None:
    """Nothing moves while nothing happens, so that stored series stay small."""
    begin(world, metrics, token_config())
    world.run(1005.123)
    where = key("next_refresh_timestamp_seconds", token="partner-api")
    first = scrape(metrics)[where]
    world.run(1017.456)
    assert scrape(metrics)[where] == first


def test_the_process_is_told_too(world: World, metrics: Metrics) -> None:
    """Memory, CPU and descriptors stand beside the tokens."""
    begin(world, metrics, token_config())
    assert key("process_resident_memory_bytes") in scrape(metrics)
    assert key("process_open_fds") in scrape(metrics)
