"""The JSON Schema, held against the reader."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from secret_refresher.config.grammar import CONFIG, DEFAULTS, LOG, SERVER, TOKEN
from secret_refresher.config.grammar_notify import HTTP, ROLLOUT, SIGNAL
from secret_refresher.config.grammar_sinks import FILE
from secret_refresher.config.grammar_source import AUTH, REFRESH, REQUEST, TLS
from secret_refresher.config.methods import BELONGS, GIVEN, SECRETS, SHOWN, SIGNED
from secret_refresher.config.model import AuthMethod
from secret_refresher.config.problems import ConfigError
from secret_refresher.config.read import Document, read
from secret_refresher.config.schema import json_schema
from secret_refresher.config.sections import Section

Valid = Callable[[object], bool]


def accepted(document: Any) -> bool:
    """Whether the reader takes it."""
    try:
        read([Document("c.yaml", document)])
    except ConfigError:
        return False
    return True


def test_the_schema_is_plain_json() -> None:
    """The schema survives being written and read, so editors see what the tests see."""
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_schema_takes_what_the_reader_takes(valid: Valid) -> None:
    """The example with every key is valid."""
    assert valid(yaml.safe_load(Path(__file__).with_name("everything.yaml").read_text()))


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema of an object with known keys in a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    below = [found for item in schema.values() for found in objects(item)]
    return [schema, *below] if "additionalProperties" in schema else below


def test_every_object_is_closed_and_every_key_explained() -> None:
    """Editors refuse unknown keys, and tell what each known one means."""
    found = [schema for schema in objects(json_schema()) if "properties" in schema]
    assert len(found) > 20
    for schema in found:
        assert schema["additionalProperties"] is False
        assert all(known.get("description") for known in schema["properties"].values())


@pytest.mark.parametrize(
    "section",
    [AUTH, REQUEST, TLS, REFRESH, TOKEN, SERVER, LOG, FILE, HTTP, SIGNAL, ROLLOUT],
)
def test_every_attribute_has_one_key(section: Section) -> None:
    """Model, reader and schema have the same keys: nothing of one is missing in another."""
    attributes = [known.attribute for known in section.keys.values()]
    assert sorted(attributes) == sorted(field.name for field in fields(section.holds))
    for key, known in section.keys.items():
        assert key == known.attribute.partition("_")[0] + "".join(
            word.capitalize() for word in known.attribute.split("_")[1:]
        )


def test_defaults_have_every_key_but_the_name() -> None:
    """Whatever a token may say, `defaults` may."""
    assert {"name", *DEFAULTS.keys} == set(TOKEN.keys)
    assert set(CONFIG.keys) == {
        "tokens",
        "defaults",
        "server",
        "kubernetes",
        "election",
        "log",
    }


def spelt_out(schema: dict[str, Any]) -> dict[str, Any]:
    """The defaults that a schema of an object tells, nested as they are written."""
    told = {}
    for key, known in schema["properties"].items():
        if "default" in known:
            told[key] = known["default"]
        elif "properties" in known:
            told[key] = spelt_out(known)
    return told


def test_the_defaults_that_it_tells_are_those_of_the_reader() -> None:
    """Writing every told default out changes nothing."""
    token = json_schema()["properties"]["tokens"]["items"]
    file = token["properties"]["sinks"]["items"]["properties"]["file"]
    name = {"name": "a", "tokenUrl": "https://x/"}
    long = spelt_out(token) | name | {"sinks": [{"file": spelt_out(file)}]}
    for key, methods in BELONGS.items():
        if AuthMethod.CLIENT_SECRET_BASIC not in methods:
            long["auth"].pop(key, None)
    assert len(spelt_out(file)) == 3
    assert {"state", "adopt", "allowInsecure", "auth", "request", "refresh"} < long.keys()
    top = {
        key: spelt_out(json_schema()["properties"][key]) for key in ("server", "kubernetes", "log")
    }
    short: dict[str, Any] = name | {"sinks": [{"file": {}}]}
    assert read([Document("c", {"tokens": [long], **top})]) == read(
        [Document("c", {"tokens": [short]})]
    )


WRONG: list[Any] = [None, True, 7, 0.25, "", "?", [], ["?"], {}, {"?": 1}, [None], [[]]]


def keys_of(section: Section) -> dict[str, st.SearchStrategy[Any]]:
    """Right values for the keys of a section."""
    return {key: RIGHT[key] for key in section.keys}


def mapping(section: Section) -> st.SearchStrategy[Any]:
    """A mapping with some of the keys of a section."""
    return st.fixed_dictionaries({}, optional=keys_of(section))


RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "name": st.just("a"),
    "state": st.sampled_from(["present", "absent"]),
    "tokenUrl": st.just("https://id.example.com/t"),
    "issuer": st.just("https://id.example.com"),
    "allowInsecure": st.booleans(),
    "adopt": st.booleans(),
    "method": st.just("client_secret_basic"),
    "clientId": st.just("me"),
    "clientIdFile": st.just("/c/i"),
    "clientSecretFile": st.just("/c/s"),
    "previousClientSecretFile": st.just("/c/p"),
    "privateKeyFile": st.just("/c/k"),
    "keyId": st.just("k1"),
    "algorithm": st.sampled_from(["RS256", "EdDSA"]),
    "assertionAudience": st.just("https://id.example.com"),
    "assertionFile": st.just("/c/a"),
    "scope": st.lists(st.just("read"), max_size=2),
    "audience": st.just("x"),
    "resource": st.lists(st.just("https://x"), max_size=2),
    "parameters": st.dictionaries(st.just("p"), st.sampled_from(["x", 1, True, ["x"], None])),
    "headers": st.dictionaries(st.just("X-A"), st.sampled_from(["x", None])),
    "timeout": st.sampled_from(["10s", "1m30s"]),
    "caFile": st.just("/ca.pem"),
    "certFile": st.just("/tls.crt"),
    "keyFile": st.just("/tls.key"),
    "at": st.sampled_from([0.5, 0.95]),
    "jitter": st.sampled_from([0, 0.4]),
    "minLead": st.sampled_from(["0s", "1h"]),
    "defaultLifetime": st.just("10m"),
    "maxRequestsPerHour": st.sampled_from([1, 1_000_000, 60.0]),
    "onExpired": st.sampled_from(["keep", "delete"]),
    "path": st.just("/run/x"),
    "mode": st.sampled_from(["0440", "644", "0777", "4440", "040"]),
    "render": st.sampled_from(
        [
            "{{ accessToken }}",
            "raw",
            {"format": "raw"},
            {"format": "raw", "variable": "x"},
            {"format": "env", "variable": None},
            {"format": "netrc", "machine": "m", "login": "l"},
            {"format": "netrc", "machine": "m", "login": None},
            {"format": "dockerconfigjson", "registries": ["r"]},
            {"template": "{{ accessToken }}"},
            {"template": "{{ accessToken }}", "format": "raw"},
            {"template": None},
            {"format": None},
        ]
    ),
    "address": st.sampled_from(["[::]:9797", ":0"]),
    "page": st.sampled_from(["loopback", "all", "off"]),
    "level": st.just("info"),
    "format": st.just("json"),
}


def auth_by(method: AuthMethod) -> st.SearchStrategy[Any]:
    """A mapping with some of the keys that belong to a method."""
    own = {key: RIGHT[key] for key in AUTH.keys if method in BELONGS.get(key, (method,))}
    del own["method"]
    return st.fixed_dictionaries({"method": st.just(str(method))}, optional=own)


REQUESTS = mapping(REQUEST).map(lambda made: {**made, "method": "POST"})
FILES = st.fixed_dictionaries({"file": mapping(FILE) | st.none()})
COMMON = {key: RIGHT[key] for key in ("state", "tokenUrl", "issuer", "allowInsecure", "adopt")} | {
    "auth": st.one_of(*map(auth_by, (*SECRETS, *SIGNED, *GIVEN))),
    "request": REQUESTS,
    "tls": mapping(TLS),
    "refresh": mapping(REFRESH),
}
DOCUMENTS = st.fixed_dictionaries(
    {
        "tokens": st.lists(
            st.fixed_dictionaries(
                {"name": RIGHT["name"], "sinks": st.lists(FILES, min_size=1, max_size=1)},
                optional=COMMON,
            ),
            min_size=1,
            max_size=1,
        ),
        # What rules ask for; the schema cannot, since it may stand in another file.
        "defaults": st.fixed_dictionaries(
            {"tokenUrl": RIGHT["tokenUrl"]},
            optional={
                key: made
                for key, made in COMMON.items()
                if key not in {"tokenUrl", "issuer", "request"}
            },
        ),
    },
    optional={"server": mapping(SERVER), "log": mapping(LOG)},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below a value, with one for a key more in each mapping."""
    if isinstance(value, dict):
        below = [place for key in value for place in places(value[key], (*path, key))]
        return [path, (*path, "unknown"), *below]
    if isinstance(value, list):
        return [
            path,
            *(place for i, item in enumerate(value) for place in places(item, (*path, i))),
        ]
    return [path]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a place."""
    if not path:
        return value
    if isinstance(document, list):
        return [
            changed(item, path[1:], value) if i == path[0] else item
            for i, item in enumerate(document)
        ]
    return {**document, path[0]: changed(document.get(path[0]), path[1:], value)}


def beyond_a_schema(document: Any) -> bool:
    """Whether a rule between keys decides: what is missing in all, what a form cannot say."""
    if not isinstance(document, dict) or not isinstance(document.get("tokens"), list):
        return isinstance(document, dict) and document.get("tokens") is None
    token = document["tokens"][0] if document["tokens"] else None
    if not isinstance(token, dict):
        return False
    defaults = document.get("defaults")
    below = defaults if isinstance(defaults, dict) else {}
    url = next((u for key in ("tokenUrl", "issuer") if (u := token.get(key, below.get(key)))), None)
    request = token.get("request")
    parameters = request.get("parameters") if isinstance(request, dict) else None
    formless = isinstance(parameters, dict) and not all(map(fits_a_form, parameters.values()))
    auths = [whole.get("auth") for whole in (token, below)]
    special = any(map(methodical, auths)) or any(mutual(whole) for whole in (token, below))
    return url is None or token.get("sinks") is None or formless or special


def methodical(auth: Any) -> bool:
    """Whether there is a key that belongs to some method only."""
    return isinstance(auth, dict) and any(auth.get(key) is not None for key in BELONGS)


def mutual(whole: dict[str, Any]) -> bool:
    """Whether a client certificate may be needed, or its key has none."""
    auth, tls = whole.get("auth"), whole.get("tls")
    method = auth.get("method") if isinstance(auth, dict) else None
    return method in list(SHOWN) or (isinstance(tls, dict) and tls.get("keyFile") is not None)


def fits_a_form(raw: Any) -> bool:
    """Whether a form can say it, or null removes it."""
    items = raw if isinstance(raw, list) else [raw]
    return raw is None or all(isinstance(item, str | int | float) for item in items)


@pytest.mark.parametrize("value", [None, True, 7, "?", [], {}], ids=repr)
def test_it_agrees_with_the_reader_on_each_place(valid: Valid, value: object) -> None:
    """A wrong value, null included, in each place of the example has one answer from both."""
    document = yaml.safe_load(Path(__file__).with_name("everything.yaml").read_text())
    for place in places(document):
        mutant = changed(document, place, value)
        right, taken = valid(mutant), accepted(mutant)
        assert right or not taken, place
        assert right == taken or beyond_a_schema(mutant), place


@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@given(document=DOCUMENTS, data=st.data())
def test_it_agrees_with_the_reader_on_structure(
    valid: Valid, document: Any, data: st.DataObject
) -> None:
    """Whether keys, types and choices are right, schema and reader say alike."""
    place = data.draw(st.sampled_from(places(document)))
    mutant = changed(document, place, data.draw(st.sampled_from(WRONG)))
    for candidate in (document, mutant):
        right, taken = valid(candidate), accepted(candidate)
        assert right or not taken
        if not beyond_a_schema(candidate):
            assert right == taken, candidate
