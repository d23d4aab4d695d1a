"""Every configuration in the documents is read by the real reader, and every key is explained."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.hints import hints
from secret_refresher.config.model import Config, Refresh
from secret_refresher.config.problems import ConfigError
from secret_refresher.config.schema import json_schema
from secret_refresher.schedule import plan
from support.pages import PAGES, ROOT, Block, blocks, code_spans, section, table_keys

REFERENCE = ROOT / "docs" / "configuration.md"
KEYS = ROOT / "tools" / "docs" / "keys.py"
MARK = re.compile(
    r"configuration(: [\w.-]+)?|part of a token|refused: [\w.-]+|chart values"
    r"|not configuration: \S.*"
)
YAML = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]
CREDENTIALS = "/etc/secret-refresher/credentials/"
AROUND = """
defaults: {tokenUrl: https://id.example.com/oauth/token, sinks: [{file: {}}]}
tokens:
  - name: example
"""


def load(text: str) -> Config:
    """Through the reader of the command line."""
    return ConfigSource(MountReader(), path=None, text=text).load().config


def whole(block: Block) -> str:
    """A block as one configuration."""
    if block.mark != "part of a token":
        return block.text
    return AROUND + "".join(f"    {line}\n" for line in block.text.splitlines())


def marked(start: str) -> list[Block]:
    """The YAML blocks with such a mark."""
    return [block for block in YAML if block.mark.startswith(start)]


def test_no_yaml_block_is_skipped_in_silence() -> None:
    """Each says that it is a configuration, a part of one, refused, or why it is none."""
    assert marked("configuration")
    for block in YAML:
        assert MARK.fullmatch(block.mark), f"{block}: {block.mark}"


@pytest.mark.parametrize("block", marked("configuration") + marked("part"), ids=str)
def test_what_is_shown_is_accepted(block: Block) -> None:
    """Whoever copies a configuration from a page has one that is taken, without a warning."""
    assert list(hints(load(whole(block)))) == []


@pytest.mark.parametrize("block", marked("chart values"), ids=str)
def test_what_the_chart_is_given_is_accepted(block: Block) -> None:
    """The configuration within the chart's values is one, and each token has its credentials."""
    values = yaml.safe_load(block.text)
    config = load(yaml.safe_dump(values["config"]))
    assert list(hints(config)) == []
    folders = {os.path.dirname(token.auth.client_secret_file) for token in config.tokens}
    assert folders == {CREDENTIALS + name for name in values["credentials"]}


@pytest.mark.parametrize("block", marked("refused"), ids=str)
def test_what_is_shown_as_wrong_is_refused(block: Block) -> None:
    """An example of mistakes is one."""
    with pytest.raises(ConfigError):
        load(block.text)


def test_the_reference_is_what_the_grammar_says() -> None:
    """The tables of keys are those that tools/docs/keys.py writes."""
    told = subprocess.run(
        [sys.executable, str(KEYS)], capture_output=True, text=True, check=True, timeout=100
    ).stdout
    assert told.strip() in REFERENCE.read_text(), "run .venv/bin/python tools/docs/keys.py --write"


def properties(schema: Any) -> dict[str, dict[str, Any]]:
    """Every key below a schema with its own, by its last name."""
    if isinstance(schema, list):
        return {k: v for item in schema for k, v in properties(item).items()}
    if not isinstance(schema, dict):
        return {}
    found = {k: v for item in schema.values() for k, v in properties(item).items()}
    return {**found, **schema.get("properties", {})}


def test_every_key_and_default_of_the_schema_is_in_the_reference() -> None:
    """Nothing that an editor knows is missing in the page."""
    known = properties(json_schema())
    assert len(known) > 50
    keys = table_keys(section(REFERENCE, "Every key"))
    renderings = section(REFERENCE, "Renderings")
    page = REFERENCE.read_text()
    for key, schema in known.items():
        assert key in keys or f"`{key}`" in renderings or f"{{{key}:" in renderings, key
        default = schema.get("default")
        if isinstance(default, str):
            row = re.search(rf"^\| `{key}` \|.*\| `{re.escape(default)}` \|", page, re.MULTILINE)
            assert row, f"{key} with its default {default}"


def test_keys_in_prose_exist() -> None:
    """A key that the pages name in passing, as `refresh.minLead`, is one of the grammar."""
    known = set(properties(json_schema()))
    sections = {"auth", "request", "tls", "refresh", "server", "kubernetes", "log"}
    for page in PAGES:
        for span in code_spans(page):
            first, *rest = span.split(".")
            if first in sections and rest and re.fullmatch(r"[A-Za-z.]+", span):
                assert {first, *rest} <= known, f"{page.name}: {span}"


def spoken(seconds: float) -> str:
    """Seconds as the page writes them."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


@pytest.mark.parametrize("life", [86400, 3600, 600, 120, 20])
def test_the_table_of_refreshes_is_what_the_schedule_does(life: float) -> None:
    """For each life the page tells the span of the refresh point, and what is left at least."""
    earliest, latest = (plan.refresh_after(life, Refresh(), 0.0, draw) for draw in (0.0, 1.0))
    told = f"| {spoken(life)} | {spoken(earliest)} to {spoken(latest)} |"
    row = f"{told} at least {spoken(life - latest)} |"
    assert row in section(REFERENCE, "When it is refreshed")
