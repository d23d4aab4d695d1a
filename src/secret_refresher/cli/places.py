"""Where a configuration puts tokens in a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from secret_refresher.adapters.config_files import ConfigSource, resolve
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.problems import ConfigError
from secret_refresher.rights import secret_sinks

LIMIT = 16 * 1024 * 1024
"""Bytes of one configuration file that are read at most."""


def places(option: str | None, environ: Mapping[str, str]) -> list[tuple[str | None, str]]:
    """Namespace and name of every Secret that it names, None for the pod's own namespace.

    None at all where no configuration is named or it is refused. Secrets of selectors are left
    out: which namespaces match, only who may list them knows.
    """
    try:
        path, text = resolve(option, environ)
        config = ConfigSource(MountReader(LIMIT), path=path, text=text).load().config
    except ConfigError:
        return []
    found = {
        (namespace, sink.name)
        for _, sink in secret_sinks(config)
        for namespace in sink.fixed_namespaces
    }
    return sorted(found, key=lambda place: (place[0] or "", place[1]))
