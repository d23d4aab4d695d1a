"""Credentials that change under a running daemon."""

import time
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import Start, credentials, entry, settings, until


def test_new_credentials_end_the_wait(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A refused daemon waits a minute or more, but asks within seconds of a rotation."""
    server.client_secret = "rotated"
    daemon = start(settings(entry(server.token_url, tmp_path)))
    failed = daemon.wait("fetch failed")
    assert failed["reason"] == "invalid_client"
    assert failed["level"] == "error"
    assert failed["next_attempt_seconds"] > 5
    time.sleep(1.5)
    assert len(server.requests) == 1
    rotated = time.monotonic()
    credentials(tmp_path, "rotated")
    until(lambda: len(server.requests) == 2, "the next request")
    waited = time.monotonic() - rotated
    daemon.wait("token published")
    assert waited < 5
    daemon.wait("credentials changed")
    assert daemon.metric("credential_reloads_total", token="partner-api") == 1


def test_the_previous_secret_is_tried_once(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Where the server does not know the new secret yet, the one before works, with a warning."""
    token = entry(server.token_url, tmp_path)
    credentials(tmp_path, "too-new")
    (tmp_path / "previous").write_text("sesame\n")
    token["auth"]["previousClientSecretFile"] = str(tmp_path / "previous")
    daemon = start(settings(token))
    fetched = daemon.wait("token fetched")
    assert fetched["used_previous_secret"]
    assert fetched["level"] == "warning"
    daemon.wait("token published")
    assert len(server.requests) == 2


def test_missing_credentials_are_waited_for(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Named with what to mount, and read as soon as they are there."""
    token = entry(server.token_url, tmp_path)
    (tmp_path / "client_secret").unlink()
    daemon = start(settings(token))
    failed = daemon.wait("fetch failed")
    assert failed["reason"] == "credentials"
    assert str(tmp_path / "client_secret") in failed["error"]
    credentials(tmp_path)
    daemon.wait("token published")
    assert len(server.requests) == 1


def test_a_mount_is_read_as_one(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """Id and secret that the kubelet swaps together are never mixed."""
    mount = tmp_path / "mount"
    mount.mkdir()

    def generation(number: int, name: str, secret: str) -> None:
        folder = mount / f"..{number}"
        folder.mkdir()
        credentials(folder, secret, name)
        (mount / "..data_tmp").symlink_to(folder.name)
        (mount / "..data_tmp").rename(mount / "..data")

    server.client_id, server.client_secret = "you", "new"
    generation(1, "me", "old")
    for key in ("client_id", "client_secret"):
        (mount / key).symlink_to(f"..data/{key}")
    token = entry(server.token_url, tmp_path)
    token["auth"] = {f"client{k}File": str(mount / f"client_{k.lower()}") for k in ("Id", "Secret")}
    daemon = start(settings(token))
    daemon.wait("fetch failed", reason="invalid_client")
    generation(2, "you", "new")
    daemon.wait("token published")
    pairs = {request.client() for request in server.requests}
    assert pairs == {("me", "old"), ("you", "new")}


def test_credentials_in_the_middle_of_a_change(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """An editor empties the file, then writes it: nothing is asked with half a secret."""
    server.client_secret = "rotated"
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("fetch failed", reason="invalid_client")
    file = tmp_path / "client_secret"
    file.write_text("")
    empty = daemon.wait("fetch failed", reason="credentials")
    assert f"{file} is empty" in empty["error"]
    file.write_text("rotated")
    daemon.wait("token published")
    assert {request.client()[1] for request in server.requests} == {"sesame", "rotated"}
