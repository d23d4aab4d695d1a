"""Configurations from YAML texts, through the real reader."""

from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config
from secret_refresher.config.problems import ConfigError
from secret_refresher.config.schema import json_schema


@pytest.fixture
def load() -> Callable[[str], Config]:
    """Reads a text."""

    def load(text: str) -> Config:
        return ConfigSource(MountReader(), path=None, text=text).load().config

    return load


@pytest.fixture
def refuse() -> Callable[[str], list[str]]:
    """Reads a text that must be refused; returns its problems as `path: message`."""

    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigError) as refused:
            ConfigSource(MountReader(), path=None, text=text).load()
        return [f"{problem.path}: {problem.message}" for problem in refused.value.problems]

    return refuse


@pytest.fixture(scope="session")
def valid() -> Callable[[object], bool]:
    """Whether the JSON Schema takes a document; first of all it must be a schema itself."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    return lambda document: bool(validator.is_valid(document))
