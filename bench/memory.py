"""Memory with one token that is refreshed again and again, by where it goes and who asks how."""

from __future__ import annotations

from bench import usage
from bench.apiserver import there
from bench.contest import DAEMON, FLOOR, Course, Program, course
from bench.layers import LIBRARIES, imported, layers
from bench.report import Row, median
from bench.scale import Scale
from support.authorization_answers import answer, mint
from support.client_keys import Keyring
from support.daemon import Settings

ABOVE = 5.0
"""MiB."""
LIFE = 1.0
KINDS = ("file", "Secret", "signing ES256", "signing RS256", "template")
BARRED = ("file", "Secret")
SPARE = 20
"""Answers more than refreshes, so that none is lacking at the end."""
Memory = dict[str, float]


def measure(scale: Scale) -> list[Row]:
    """Each kind beside its floor; both programs by turns, each scraped once."""
    refreshes, rounds = scale.of(tiny=1, usual=10), scale.of(tiny=1, usual=5, long=15)
    rows = []
    for kind in KINDS if there() else [kind for kind in KINDS if kind != "Secret"]:
        rows += _kind(kind, refreshes, rounds)
    return rows


def _kind(kind: str, refreshes: int, rounds: int) -> list[Row]:
    ours, floors, bare, libraries = [], [], [], []
    modules = LIBRARIES[kind.partition(" ")[0]]
    with course(lifetime=LIFE, namespaces=kind == "Secret") as on:
        on.configure([_token(on, kind)])
        for program in (FLOOR, DAEMON):
            _used(on, kind, program, 0)  # the first run compiles
        for _ in range(rounds):
            floors.append(_used(on, kind, FLOOR, refreshes))
            ours.append(_used(on, kind, DAEMON, refreshes))
            bare.append(imported(())[1])
            libraries.append(imported(modules)[1])
    rows = []
    for column in ("peak", "resident", "proportional"):
        floor, runs = _middle(floors, column), tuple(run[column] for run in ours)
        barred = column == "peak" and kind in BARRED
        rows.append(
            Row(
                bench="memory",
                what=f"{kind}: {column} memory after {refreshes} refreshes",
                figure=median(runs),
                unit="MiB",
                floor=floor,
                bar=floor + ABOVE if barred else None,
                bar_says=f"floor + {ABOVE:g} MiB" if barred else "",
                runs=runs,
            )
        )
    return rows + layers(
        "memory",
        kind,
        "MiB",
        bare=_middle(bare, "peak"),
        libraries=_middle(libraries, "peak"),
        floor=_middle(floors, "peak"),
        figure=_middle(ours, "peak"),
    )


def _token(on: Course, kind: str) -> Settings:
    what, _, algorithm = kind.partition(" ")
    if what == "signing":
        key = str(Keyring(on.folder).key(algorithm).file)
        auth = {"method": "private_key_jwt", "clientId": "me", "privateKeyFile": key}
        return on.entry(auth={**auth, "algorithm": algorithm}, request={})
    token = on.entry()
    if what == "template":
        token["sinks"][0]["file"]["render"] = {"template": "{{ accessToken }}"}
    return token


def _used(on: Course, kind: str, program: Program, refreshes: int) -> Memory:
    """MiB after the first token and so many more; each is published before the next is asked."""
    on.place.clear()
    if kind.startswith("signing"):  # the server grants whatever is asked for
        for number in range(refreshes + SPARE):
            granted = {"access_token": mint(number, LIFE), "expires_in": LIFE}
            on.server.queue(answer(granted))
    before = len(on.server.requests)
    with on.running(program) as process:
        on.until(process, lambda: len(on.server.requests) >= before + refreshes + 2)
        on.scrape()
        return usage.memory(process.pid)


def _middle(runs: list[Memory], column: str) -> float:
    return median([run[column] for run in runs])
