"""A daemon that shows a client certificate, to an endpoint that its issuer names."""

from __future__ import annotations

import time
from pathlib import Path

from support.authorization_answers import answer
from support.authorization_server import AuthorizationServer
from support.certificates import Authority, Leaf
from support.daemon import Start, entry, settings, until
from support.issuer import OAUTH, Issuer


def publish(folder: Path, generation: str, leaf: Leaf) -> dict[str, str]:
    """The pair as the kubelet mounts a Secret of type kubernetes.io/tls; the keys of `tls`."""
    (folder / generation).mkdir(parents=True)
    for name, source in (("tls.crt", leaf.certificate), ("tls.key", leaf.key)):
        (folder / generation / name).write_bytes(Path(source).read_bytes())
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..next").symlink_to(generation)
    (folder / "..next").rename(folder / "..data")
    return {"certFile": str(folder / "tls.crt"), "keyFile": str(folder / "tls.key")}


def test_certificates_are_rotated_and_issuers_may_go(start: Start, tmp_path: Path) -> None:
    """A new pair is shown from the next request on, and the endpoint outlives its issuer."""
    (tmp_path / "ca").mkdir()
    authority = Authority(str(tmp_path / "ca"))
    old, new = authority.issue(), authority.issue(begins=-9.8, ends=0.2)
    seen: list[bytes | None] = []
    strict = authority.issue().server(authority.file, seen=seen)
    with (
        Issuer(tls=authority.issue().server()) as issuer,
        AuthorizationServer(lifetime=4, tls=strict) as server,
    ):
        server.client_secret = None  # type: ignore[assignment]  # the certificate is the proof
        issuer.documents = {
            OAUTH: issuer.metadata(
                token_endpoint="https://nowhere.invalid/",
                mtls_endpoint_aliases={"token_endpoint": server.token_url},
                token_endpoint_auth_methods_supported=["private_key_jwt"],
            )
        }
        files = publish(tmp_path / "tls", "..1", old)
        token = entry(issuer.issuer, tmp_path, tls={"caFile": authority.file, **files})
        token["issuer"] = token.pop("tokenUrl")
        token["auth"] = {"method": "tls_client_auth", "clientId": "me"}
        token["refresh"] = {"minLead": "1s"}
        daemon = start(settings(token))
        daemon.wait("token published")
        told = daemon.wait("method not offered by the server")
        assert (told["method"], told["offered"]) == ("tls_client_auth", ["private_key_jwt"])
        assert daemon.metric("token_requests_total", origin=issuer.origin, code="200") is None
        assert seen == [old.der()]
        publish(tmp_path / "tls", "..2", new)
        issuer.go_away()
        until(lambda: new.der() in seen, "a request with the new certificate")
        ends = daemon.wait("client certificate expires soon")
        assert ends["file"] == files["certFile"]
        assert [leaf for leaf in seen if leaf not in {old.der(), new.der()}] == []
        assert len(issuer.looks) == 1
        asked = daemon.metric("token_requests_total", origin=server.origin, code="200")
        assert asked is not None
        assert asked >= 2
        assert daemon.logs("fetch failed") == []


def test_a_restart_needs_no_issuer(start: Start, tmp_path: Path) -> None:
    """A live token is adopted though neither issuer nor endpoint can be asked."""
    with Issuer() as issuer:
        token = entry(issuer.issuer, tmp_path)
        token["issuer"] = token.pop("tokenUrl")
        first = start(settings(token))
        first.wait("token published")
        first.stop()
        before = (tmp_path / "partner-api").stat()
        issuer.go_away()
        second = start(settings(token))
        second.wait("live token adopted")
        time.sleep(1)
        assert (len(issuer.looks), len(issuer.asked)) == (1, 1)
        after = (tmp_path / "partner-api").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        assert second.logs("fetch failed") == []


def test_what_a_budget_counts(start: Start, tmp_path: Path) -> None:
    """Looking for the endpoint takes nothing of the requests that an hour may have."""
    with Issuer() as issuer:
        issuer.documents = {OAUTH: answer({"issuer": issuer.issuer})}
        token = entry(issuer.issuer, tmp_path, refresh={"maxRequestsPerHour": 1})
        token["issuer"] = token.pop("tokenUrl")
        daemon = start(settings(token))
        failed = daemon.wait("fetch failed")
        assert failed["reason"] == "discovery"
        assert "names no token_endpoint" in failed["error"]
        issuer.documents = {OAUTH: issuer.metadata()}
        token["request"] = {"timeout": "9s", "audience": "changed"}
        daemon.configure(settings(token))
        daemon.wait("token published")
        assert len(issuer.asked) == 1
