"""The folder of the demo: what somebody who uses the daemon would have written."""

from __future__ import annotations

import json
import os
from typing import final

from secret_refresher.demo.server import Client


@final
class Place:
    """Paths below one folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.token = os.path.join(folder, "token")
        self.config = os.path.join(folder, "config.yaml")
        self.id = os.path.join(folder, "credentials", "client_id")
        self.secret = os.path.join(folder, "credentials", "client_secret")
        self.right = os.path.join(folder, "credentials", "client_secret.right")
        """The secret once more, to put it back."""

    def furnish(self, client: Client, url: str) -> None:
        """Writes credentials and a configuration that asks `url` for a token."""
        os.mkdir(os.path.dirname(self.id), 0o700)
        for path, content in (
            (self.id, client.id),
            (self.secret, client.secret.reveal()),
            (self.right, client.secret.reveal()),
            (self.config, self._yaml(url)),
        ):
            with open(path, "w", encoding="utf-8") as file:
                file.write(content + "\n")

    def _yaml(self, url: str) -> str:
        """JSON's texts are YAML's too, whatever the folder is called.

        Port 0: the daemon takes a free one and says which.
        """
        return f"""tokens:
  - name: demo
    tokenUrl: {url}
    auth:
      clientIdFile: {json.dumps(self.id)}
      clientSecretFile: {json.dumps(self.secret)}
    request: {{format: json}}
    sinks:
      - file: {{path: {json.dumps(self.token)}, mode: "0600"}}
server: {{address: "127.0.0.1:0"}}
log: {{format: console}}"""
