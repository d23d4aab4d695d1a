"""How replicas share the work. Durations are float seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """Which Leases, how many shards, and how long a holder may be silent.

    `namespace` None is the pod's own. The holder of a shard acts for `renew_deadline` after it
    has last renewed its Lease; others take it after `lease_duration`.
    """

    enabled: bool = False
    name: str = "secret-refresher"
    namespace: str | None = None
    shards: int = 1
    lease_duration: float = 10.0
    renew_deadline: float = 6.0
    retry_period: float = 2.0

    @property
    def margin(self) -> float:
        """Seconds for what a holder has sent last to arrive before anybody else begins."""
        return self.lease_duration - self.renew_deadline
