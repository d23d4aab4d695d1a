"""The configuration changes under a running daemon."""

import time
from pathlib import Path

from support.authorization_server import AuthorizationServer
from support.daemon import Settings, Start, entry, settings, until


def test_tokens_come_change_and_go(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """An added token is fetched, a removed one is let be, and an equal one goes on untouched."""
    first, second = (entry(server.token_url, tmp_path, name) for name in ("first", "second"))
    daemon = start(settings(first))
    daemon.wait("token published", token="first")
    before = (tmp_path / "first").stat()
    daemon.configure(settings(first, second))
    taken = daemon.wait("configuration taken", times=2)
    assert (taken["added"], taken["changed"], taken["removed"]) == (1, 0, 0)
    daemon.wait("token published", token="second")
    assert daemon.metric("token_healthy", token="second") == 1
    daemon.configure(settings(first))
    taken = daemon.wait("configuration taken", times=3)
    assert (taken["added"], taken["changed"], taken["removed"]) == (0, 0, 1)
    until(
        lambda: not any(("token", "second") in labels for _, labels in daemon.metrics()),
        "the end of its series",
    )
    assert (tmp_path / "second").read_text() == server.tokens[1]
    assert (tmp_path / "first").stat() == before
    assert len(server.requests) == 2
    assert daemon.metric("config_last_reload_successful") == 1


def test_an_invalid_configuration_is_refused(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """The old one stays in force, log and metric say so, and a right one is taken again."""
    server.lifetime = 4
    good = settings(entry(server.token_url, tmp_path))
    daemon = start(good)
    daemon.wait("token published")
    daemon.configure("tokens: [{name: UPPER, sinks: sesame}]\n")
    refused = daemon.wait("configuration refused, the old one stays")
    assert refused["level"] == "error"
    assert len(refused["problems"]) >= 3
    assert any("tokens[0].name" in problem for problem in refused["problems"])
    assert "sesame" not in str(refused)
    until(lambda: daemon.metric("config_last_reload_successful") == 0, "the metric")
    count = len(daemon.logs("token published"))
    daemon.wait("token published", times=count + 2)
    assert len(daemon.logs("configuration refused, the old one stays")) == 1
    daemon.configure(settings(entry(server.token_url, tmp_path), log={"level": "warning"}))
    until(lambda: daemon.metric("config_last_reload_successful") == 1, "the metric")


def test_a_configuration_that_vanishes_is_refused(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """A missing file is no empty one: the tokens stay."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    daemon.config_file.unlink()
    refused = daemon.wait("configuration refused, the old one stays")
    assert "does not exist" in str(refused["problems"])
    assert daemon.get("/freshz")[0] == 200


def test_a_changed_source_causes_one_fetch(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Another scope: the old token stays until the new one is there."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    daemon.configure(settings(entry(server.token_url, tmp_path, request={"scope": ["read"]})))
    daemon.wait("token published", times=2)
    assert [request.parameters().get("scope") for request in server.requests] == [None, "read"]
    assert (tmp_path / "partner-api").read_text() == server.tokens[1]
    # Nor is the token of the other scope adopted after a restart under the first one.
    daemon.kill()
    daemon.configure(settings(entry(server.token_url, tmp_path)))
    daemon.start()
    daemon.wait("token published")
    assert len(server.requests) == 3


def test_a_changed_sink_causes_no_fetch(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Another place, mode or rendering is filled from memory."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    file = {"path": str(tmp_path / "partner-api"), "mode": "0400", "render": {"format": "bearer"}}
    more = {"path": str(tmp_path / "more")}
    sinks = [{"file": file}, {"file": more}]
    daemon.configure(settings(entry(server.token_url, tmp_path, sinks=sinks)))
    daemon.wait("token published", target=str(tmp_path / "more"))
    until(lambda: (tmp_path / "partner-api").read_text().startswith("Bearer "), "the rendering")
    assert (tmp_path / "partner-api").stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "more").read_text() == server.tokens[0]
    assert len(server.requests) == 1


def test_an_absent_token_is_removed(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """`state: absent` takes the file and what stood beside it; `present` brings it back."""
    token = entry(server.token_url, tmp_path)
    daemon = start(settings(token))
    daemon.wait("token published")
    daemon.configure(settings({**token, "state": "absent"}))
    daemon.wait("sink cleared")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"client_id", "client_secret", "config.yaml", "daemon.log"}
    time.sleep(2.5)  # rounds of the patrol
    assert len(daemon.logs("sink cleared")) == 1
    assert daemon.get("/freshz")[0] == 200
    daemon.configure(settings(token))
    daemon.wait("token published", times=2)
    assert (tmp_path / "partner-api").read_text() == server.tokens[1]


def test_what_needs_a_restart_is_told(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Another address or form of the log waits, and the log says so; the rest is taken."""
    daemon = start(settings(entry(server.token_url, tmp_path)))
    daemon.wait("token published")
    second = entry(server.token_url, tmp_path, "second")
    log = {"level": "debug", "format": "console"}
    daemon.configure(settings(second, server={"address": "127.0.0.1:1"}, log=log))
    taken = daemon.wait("configuration taken", times=2)
    assert taken["level"] == "warning"
    assert taken["restart_needed_for"] == ["server", "log.format"]
    daemon.wait("token published", token="second")
    assert daemon.get("/livez")[0] == 200


def test_the_log_level_is_taken(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """A log can be made to say more while there is something to see."""
    server.lifetime = 4
    token = entry(server.token_url, tmp_path)
    daemon = start(settings(token, log={"level": "info", "format": "json"}))
    daemon.wait("token published", times=2)
    assert not daemon.logs("token request")
    daemon.configure(settings(token, log={"level": "debug", "format": "json"}))
    daemon.wait("token request")


def test_a_folder_of_files(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """A file that is added to the folder is taken with the others."""
    folder = tmp_path / "config"
    folder.mkdir()
    first, second = (entry(server.token_url, tmp_path, name) for name in ("first", "second"))
    (folder / "10.yaml").write_text(str(settings(first)))
    daemon = start(settings(first), config=folder)
    daemon.wait("token published", token="first")
    (folder / "20.yaml").write_text(str({"tokens": [second]}))
    daemon.wait("token published", token="second")


def test_a_renamed_token_keeps_its_file(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """The new name adopts what the old one left: no request, and the file is the same."""
    sinks = [{"file": {"path": str(tmp_path / "token")}}]
    daemon = start(settings(entry(server.token_url, tmp_path, "before", sinks=sinks)))
    daemon.wait("token published")
    before = (tmp_path / "token").stat()
    daemon.configure(settings(entry(server.token_url, tmp_path, "after", sinks=sinks)))
    daemon.wait("live token adopted", token="after")
    assert (tmp_path / "token").stat() == before
    assert len(server.requests) == 1


def test_two_tokens_swap_their_files(
    server: AuthorizationServer, start: Start, tmp_path: Path
) -> None:
    """Each goes to its new place, from memory; none is taken for the other."""

    def both(first: str, second: str) -> Settings:
        return settings(
            *(
                entry(
                    server.token_url,
                    tmp_path,
                    name,
                    request={"scope": [name]},
                    sinks=[{"file": {"path": str(tmp_path / file)}}],
                )
                for name, file in (("a", first), ("b", second))
            )
        )

    daemon = start(both("one", "two"))
    daemon.wait("token published", times=2)
    one, two = (tmp_path / name for name in ("one", "two"))
    texts = one.read_text(), two.read_text()
    daemon.configure(both("two", "one"))
    until(lambda: (two.read_text(), one.read_text()) == texts, "the swap")
    assert len(server.requests) == 2


def test_a_mounted_configmap(server: AuthorizationServer, start: Start, tmp_path: Path) -> None:
    """The kubelet's swap of `..data` is noticed, by a folder and by a file in it."""
    mount = tmp_path / "mount"
    mount.mkdir()

    def generation(number: int, *names: str) -> None:
        folder = mount / f"..{number}"
        folder.mkdir()
        tokens = (entry(server.token_url, tmp_path, name) for name in names)
        (folder / "config.yaml").write_text(str(settings(*tokens)))
        (mount / "..data_tmp").symlink_to(folder.name)
        (mount / "..data_tmp").rename(mount / "..data")

    generation(1, "first")
    (mount / "config.yaml").symlink_to("..data/config.yaml")
    daemon = start(settings(), config=mount)
    daemon.wait("token published", token="first")
    generation(2, "first", "second")
    daemon.wait("token published", token="second")
    daemon.kill()
    daemon = start(settings(), config=mount / "config.yaml")
    daemon.wait("live token adopted", token="second")
    generation(3, "first", "second", "third")
    daemon.wait("token published", token="third")
    assert len(server.requests) == 3
