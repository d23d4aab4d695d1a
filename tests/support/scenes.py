"""Tokens in every state on a virtual clock, with the status page on a real port.

The real engine, journal, page and server over a simulated world: what takes hours for real is there
at once, and each look is at an instant that the test has chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from secret_refresher.config.model import Config, FileSink, Page, SecretSink, State, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.page.routes import pages
from secret_refresher.ports import Exchange, Outcome
from secret_refresher.server import Server
from secret_refresher.status.journal import Journal
from support.tokens import token_config
from support.world import Box, World

REFUSED = Fault(
    Reason.CONNECT,
    "cannot connect to id.example.org port 443: Connection refused",
    "nothing listens there: is the server up, and are host and port in tokenUrl right?",
)
WRONG_SECRET = Fault(
    Reason.INVALID_CLIENT,
    "auth.example.net port 443 does not accept the credentials (HTTP 401, invalid_client)",
    "check client id and secret in /etc/secret-refresher/credentials/billing-export; they are read"
    " again for every attempt",
    Lane.PERMANENT,
    status=401,
)
FORBIDDEN = Fault(
    Reason.PERMISSION,
    "cannot write Secret shop/payments-token: we have no right to (HTTP 403)",
    "grant what `secret-refresher rbac` prints",
    Lane.PERMANENT,
    status=403,
)
FULL = Fault(
    Reason.NO_SPACE,
    "cannot write /var/run/secret-refresher/reports: no space is left there",
    "make room, or give the volume a larger sizeLimit",
)


class Stage(World):
    """A world whose servers and sinks fail as they are told to, with a page to look at."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.faults: dict[str, Fault] = {}
        """By the name of a token: how fetching it fails."""
        self.lives: dict[str, float] = {}
        """By the name of a token: the life that it is granted."""
        self.journal = Journal(self)
        self.observers.append(self.journal)

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """As its service answers, or as `faults` say."""
        fault = self.faults.get(token.name)
        if fault is None:
            self.service(token).lifetime = self.lives.get(token.name, 3600.0)
            return super().fetch(token, timeout)
        where = origin_of(token.token_url)
        return Outcome(fault, (Exchange(where, fault.status, 0.2, reached=True),), "c")

    def spoil(self, target: str, fault: Fault | None) -> None:
        """How writing to a place fails from now on; None: it does not."""
        self.boxes.setdefault(target, Box()).refuses = fault

    def open(self, config: Config, access: Page = Page.LOOPBACK) -> int:
        """Starts the engine and serves its page; the port on loopback."""
        engine = self.start(config)
        self.journal.watch(engine)
        routes = pages(engine, self, self.journal, access)
        return int(Server("127.0.0.1", 0, routes).start().rpartition(":")[2])


def token(name: str, host: str, *sinks: FileSink | SecretSink) -> TokenConfig:
    """One token of a host."""
    made = token_config(name, url=f"https://{host}/oauth/token")
    return replace(made, sinks=sinks or (FileSink(path=f"/var/run/secret-refresher/{name}"),))


def secret(name: str) -> SecretSink:
    """A Secret; the world calls it by its name, so that may have a namespace before it."""
    return SecretSink(name=name)


@dataclass(frozen=True)
class Night:
    """A few tokens with all that can be wrong with them, at one instant."""

    stage: Stage
    port: int


def quiet() -> Night:
    """Everything is well."""
    stage = Stage()
    names = "billing catalogue crm-sync inventory ledger mail partner-api reports search".split()
    tokens = [token(name, "id.example.com") for name in names]
    tokens.append(token("fleet", "id.example.com", secret("shop/fleet"), secret("ops/fleet")))
    stage.lives = {name: 600.0 + 500.0 * number for number, name in enumerate(names)}
    port = stage.open(Config(tokens=tuple(tokens)))
    stage.run(3100.0)
    return Night(stage, port)


def troubled() -> Night:
    """A server is away, a secret was rotated, a right is missing, a disk is full."""
    stage = Stage()
    tokens = [
        token("crm-sync", "id.example.org"),
        token("orders", "id.example.org", secret("shop/orders-token"), secret("ops/orders-token")),
        token("warehouse", "id.example.org"),
        token("billing-export", "auth.example.net"),
        token("payments", "id.example.com", secret("shop/payments-token")),
        token("reports", "id.example.com"),
        token("partner-api", "id.example.com"),
        token("mail", "id.example.com"),
        token("search", "id.example.com", *(secret(f"team-{n:02d}/search") for n in range(12))),
        replace(token("old-api", "id.example.com"), state=State.ABSENT),
    ]
    stage.lives = {"crm-sync": 1200.0, "orders": 2400.0, "warehouse": 3400.0, "mail": 900.0}
    stage.spoil("shop/payments-token", FORBIDDEN)
    port = stage.open(Config(tokens=tuple(tokens)))
    stage.run(1600.0)
    stage.faults |= dict.fromkeys(("crm-sync", "orders", "warehouse"), REFUSED)
    stage.spoil("/var/run/secret-refresher/reports", FULL)
    stage.run(3350.0)
    stage.faults["billing-export"] = WRONG_SECRET
    stage.run(4050.0)
    return Night(stage, port)
