"""An issuer in place of tokenUrl, and client certificates, in the chart."""

from __future__ import annotations

from support.chart import Object, one, render, secret_token, source_values

FOLDER = "/etc/secret-refresher/credentials/{name}/"


def mounted(values: Object) -> list[str]:
    """The files below the folder of credentials."""
    pod = one(render(values), "Deployment")["spec"]["template"]["spec"]
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "credentials"]
    sources = volume["projected"]["sources"]
    return [item["path"] for source in sources for item in source["secret"]["items"]]


def test_a_certificate_and_its_key_are_mounted() -> None:
    """Both come from the token's entry, named like the keys of a kubernetes.io/tls Secret."""
    tls = {"certFile": f"{FOLDER}tls.crt", "keyFile": f"{FOLDER}tls.key"}
    auth = {"method": "tls_client_auth", "clientId": "me"}
    values = source_values({**secret_token(), "tls": tls, "auth": auth})
    assert mounted(values) == ["a/tls.crt", "a/tls.key"]


def test_an_issuer_is_enough() -> None:
    """A token with an issuer lacks no tokenUrl, whether it is its own or the default's."""
    values = source_values({**secret_token(), "issuer": "https://id.example.com"})
    del values["config"]["defaults"]["tokenUrl"]
    assert one(render(values), "Deployment")
    values = source_values(secret_token())
    del values["config"]["defaults"]["tokenUrl"]
    values["config"]["defaults"]["issuer"] = "https://id.example.com"
    assert one(render(values), "Deployment")
