"""The dates of a certificate, read from its bytes."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from secret_refresher.adapters.token_endpoint.validity import validity
from support.certificates import Authority

SIMPLE = bytes.fromhex("3082") + b"\x00\x00"


def test_they_are_those_that_openssl_tells(authority: Authority) -> None:
    """Both dates, of certificates in either form of time (RFC 5280 section 4.1.2.5)."""
    for ends in (30, 365 * 40):
        leaf = authority.issue(begins=-3, ends=ends)
        command = ["openssl", "x509", "-noout", "-startdate", "-enddate", "-in", leaf.certificate]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        dates = [line.partition("=")[2] for line in told.splitlines()]
        seconds = [
            datetime.strptime(date, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp()
            for date in dates
        ]
        assert list(validity(leaf.der())) == seconds


def test_a_certificate_that_was_cut(authority: Authority) -> None:
    """However short it is cut, that is a ValueError."""
    der = ssl.PEM_cert_to_DER_cert(Path(authority.file).read_text(encoding="ascii"))
    for length in range(len(der)):
        with pytest.raises(ValueError, match=r"[a-z]"):
            validity(der[:length])


@given(st.binary(max_size=64), st.booleans())
def test_rubbish(content: bytes, begun: bool) -> None:  # noqa: FBT001 - hypothesis calls it
    """Anything else is a ValueError, and nothing worse."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        validity((SIMPLE if begun else b"") + content)
