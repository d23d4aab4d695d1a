"""`secret-refresher rbac`: the least Kubernetes rights, to be applied with kubectl."""

from __future__ import annotations

from typing import TextIO

import yaml

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.rights import manifests


def rbac(source: ConfigSource, service_account: str, namespace: str, out: TextIO) -> int:
    """Prints Roles, bindings and, for selectors only, a ClusterRole.

    Returns the exit status; raises `ConfigError` where the configuration is refused.
    """
    found = manifests(source.load().config, service_account, namespace)
    if found:
        yaml.safe_dump_all(found, out, sort_keys=False, explicit_start=True)
    else:
        print("# There is no Secret sink and no rollout, so no rights are needed.", file=out)
    return 0
