"""The keys of the section `election`."""

from __future__ import annotations

from secret_refresher.config import checks, names
from secret_refresher.config.election import Election
from secret_refresher.config.measures import Duration
from secret_refresher.config.sections import Key, Section
from secret_refresher.config.shapes import Flag, Number, Text

MOST_SHARDS = 64
"""Each replica reads every Lease once in each retryPeriod."""

ELECTION = Section(
    Election,
    {
        "enabled": Key("enabled", Flag(), "Replicas share the tokens, each token served by one."),
        "name": Key(
            "name",
            Text(names.subdomain),
            "The first shard's Lease; the others have -1, -2 and so on behind it.",
        ),
        "namespace": Key(
            "namespace",
            Text(checks.label, checks.LABEL),
            "Where the Leases are; the pod's own namespace unless one is given.",
        ),
        "shards": Key(
            "shards",
            Number(1, MOST_SHARDS, whole=True),
            "Parts that the tokens are divided into: 1 for a leader with standbys, else at least"
            " as many as replicas.",
        ),
        "leaseDuration": Key(
            "lease_duration",
            Duration(2.0, 3600.0),
            "After so long without a sign of its holder another replica takes a shard.",
        ),
        "renewDeadline": Key(
            "renew_deadline",
            Duration(1.0, 3600.0),
            "A holder that could not renew for so long stops.",
        ),
        "retryPeriod": Key(
            "retry_period", Duration(0.1, 3600.0), "How often Leases are renewed and looked at."
        ),
    },
)
