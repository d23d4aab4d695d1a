"""The job in a few lines of requests-oauthlib. PLACE is the file."""

import os
import time
from pathlib import Path

from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

place, credentials = Path(os.environ["PLACE"]), Path(os.environ["CREDENTIALS"])
while True:
    client_id = (credentials / "client_id").read_text().strip()
    client_secret = (credentials / "client_secret").read_text().strip()
    session = OAuth2Session(client=BackendApplicationClient(client_id=client_id))
    try:
        token = session.fetch_token(os.environ["TOKEN_URL"], client_secret=client_secret)
    except Exception:  # noqa: BLE001 - of a loop as people write it
        time.sleep(1)
        continue
    new = place.with_suffix(".new")
    new.write_text(token["access_token"])
    new.rename(place)
    time.sleep(token["expires_in"] * 0.75)
