"""Keys that change under a running daemon, before a server that nobody here wrote."""

import time
from pathlib import Path

from support.client_keys import Keyring
from support.daemon import Start, entry, settings
from support.oidc_provider import OidcProvider


def test_a_rotated_key_ends_the_wait(start: Start, tmp_path: Path) -> None:
    """A refused key is asked with again as soon as its file changes, and nothing of it is told."""
    known = Keyring(tmp_path).key("ES256")
    (tmp_path / "stranger").mkdir()
    stranger = Keyring(tmp_path / "stranger").key("ES256")
    client = {
        "client_id": "me",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "jwks": {"keys": [known.jwk]},
    }
    file = tmp_path / "private_key"
    file.write_bytes(stranger.file.read_bytes())
    with OidcProvider([client], algorithms=["ES256"]) as provider:
        token = entry(provider.token_url, tmp_path)
        token["auth"] = {
            "method": "private_key_jwt",
            "clientId": "me",
            "privateKeyFile": str(file),
        }
        daemon = start(settings(token, log={"level": "debug"}))
        failed = daemon.wait("fetch failed")
        assert failed["reason"] == "invalid_client"
        assert failed["next_attempt_seconds"] > 5
        assert f"the public half of {file}" in str(failed)
        rotated = time.monotonic()
        file.write_bytes(known.file.read_bytes())
        daemon.wait("token published")
        assert time.monotonic() - rotated < 10
        daemon.wait("credentials changed")
    secrets = [line for key in (known, stranger) for line in key.file.read_text().splitlines()]
    told = daemon.text()
    assert not any(secret[:16] in told for secret in secrets if not secret.startswith("-----"))
    assert "client_assertion" not in told
