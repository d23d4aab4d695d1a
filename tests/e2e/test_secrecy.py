"""What must never be seen anywhere but in the file."""

import os
import re
from pathlib import Path
from urllib.parse import quote_plus

from support.authorization_answers import Answer, answer, refusal
from support.authorization_server import AuthorizationServer
from support.daemon import Start, credentials, entry, settings, until

SECRET = "s3cr3t/with+odd=chars&more"


def test_nothing_leaks(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """Neither secret nor token nor body in the log at debug, in metrics, pages or /proc."""
    server.client_secret, server.lifetime = SECRET, 3
    token = entry(server.token_url, tmp_path)
    broken = entry(server.token_url, tmp_path, "broken")
    template = "{{ accessToken.upper.nothing }}"
    broken["sinks"] = [{"file": {"path": str(tmp_path / "b"), "render": {"template": template}}}]
    credentials(tmp_path, SECRET)
    daemon = start(settings(token, broken))
    daemon.wait("token published")
    daemon.wait("sink publish failed", reason="rendering")
    server.queue(
        Answer(body=f"<html>{SECRET}</html>".encode()),
        answer({"access_token": "body-0f-a-t0ken\n", "expires_in": 3}),
        answer({"access_token": "body-0f-a-t0ken", "expires_in": "body-0f-a-t0ken"}),
        refusal("body-0f-a-t0ken"),
        answer({"error": "server_error", "error_description": SECRET}, 503),
    )
    daemon.wait("fetch failed", times=5)
    until(lambda: len(server.tokens) > 6, "more tokens")
    pages = [daemon.get(path)[1] for path in ("/metrics", "/livez", "/freshz", "/nothing")]
    process = Path(f"/proc/{daemon.pid}")
    pages += [(process / name).read_bytes().decode() for name in ("cmdline", "environ")]
    pages += [meta.read_text() for meta in tmp_path.glob(".*.meta.json")]
    assert daemon.stop() == 0
    shown = "\n".join((daemon.text(), *pages))
    assert len(shown) > 10_000
    assert "Traceback" not in shown
    assert "defect" not in shown
    for secret in (SECRET, quote_plus(SECRET), "body-0f-a-t0ken", *server.tokens):
        assert secret not in shown
    # Nor a part of one.
    random = {part for minted in server.tokens for part in re.findall("[^-]{12,}", minted[-32:])}
    assert not any(part in shown for part in random)


def test_kubernetes_is_not_loaded_for_files(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A sidecar with file sinks pays for no client that it does not use, nor for templates."""
    daemon = start(
        settings(entry(server.token_url, tmp_path)), environment={"PYTHONPROFILEIMPORTTIME": "1"}
    )
    daemon.wait("token published")
    until(lambda: daemon.get("/freshz")[0] == 200, "fresh")
    daemon.stop()
    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", daemon.text(), re.MULTILINE))
    assert {"secret_refresher.cli.run", "requests", "structlog"} <= loaded
    assert {module.partition(".")[0] for module in loaded} & {"kubernetes", "jinja2"} == set()


def test_secrets_do_not_stay_open(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """No descriptor of a credential file or of the token's is held."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    folder = f"/proc/{daemon.pid}/fd"
    held = {os.path.basename(os.readlink(f"{folder}/{fd}")) for fd in os.listdir(folder)}
    assert held & {"client_id", "client_secret", "partner-api"} == set()
    assert ".partner-api.meta.json" in held
