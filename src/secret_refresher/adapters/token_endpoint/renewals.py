"""Client certificates that end: told before, when it has happened, and beside what follows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, final

from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle.events import CertificateEnds
from secret_refresher.tokens.moments import rfc3339

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity

SHARE = 0.1
"""Of a certificate's life: who renews them has done so long before, as cert-manager at a third."""
MOST = 14 * 86400.0
"""Seconds before its end at which the longest-lived certificate is spoken of."""
KEPT = 16_384
"""Certificates of which is remembered what was told."""
_REFUSALS = frozenset(
    {
        Reason.INVALID_CLIENT,
        Reason.UNAUTHORIZED,
        Reason.UNAUTHORIZED_CLIENT,
        Reason.INVALID_REQUEST,
        Reason.OAUTH_ERROR,
        Reason.HTTP_STATUS,
    }
)
"""How servers and gateways answer a certificate that is out of date, where TLS let it pass."""


@final
class Renewals:
    """Says once that a certificate ends soon, and once that it has; for many threads.

    An attempt is made all the same, whatever our clock says: the server's clock decides, and with
    a certificate that it knows itself some servers do not look at dates.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def notice(self, identity: Identity, wall: float) -> CertificateEnds | None:
        """What there is to tell at the instant `wall`, in seconds since the epoch."""
        left = identity.ends - wall
        if left > min(MOST, SHARE * (identity.ends - identity.begins)):
            return None
        with self._lock:
            told = (identity.digest, left <= 0)
            if self._told.pop(identity.certificate_file, None) == told:
                self._told[identity.certificate_file] = told
                return None
            self._told[identity.certificate_file] = told
            if len(self._told) > KEPT:
                self._told.popitem(last=False)
        return CertificateEnds(identity.certificate_file, identity.ends, left)

    @staticmethod
    def explained(fault: Fault, identity: Identity, wall: float) -> Fault:
        """A refusal, with the dates of the certificate where they are the likely reason."""
        if identity.begins <= wall < identity.ends:
            return fault
        alert = fault.reason is Reason.TLS and "ALERT" in (fault.code or "")
        if not (alert or fault.reason in _REFUSALS or fault.reason is Reason.NETWORK):
            return fault
        file = identity.certificate_file
        if wall < identity.begins:
            what = (
                f"the client certificate in {file} is not valid before {rfc3339(identity.begins)}"
            )
            advice = "check this machine's clock, then the certificate"
        else:
            what = f"the client certificate in {file} expired at {rfc3339(identity.ends)}"
            advice = f"renew {file} and its key; a change of the files is taken at once"
        # A connection that broke may have had another reason.
        lane = fault.lane if fault.reason is Reason.NETWORK else Lane.PERMANENT
        return replace(fault, summary=f"{fault.summary}; {what}", advice=advice, lane=lane)
