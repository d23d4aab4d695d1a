"""Values that cannot work are refused, each with its name and a remedy, before anything is made."""

from typing import Any

import pytest

from support.chart import HelmError, Object, file_token, render, secret_token, source_values

MOUNT = "/etc/secret-refresher/credentials/"
NETWORK = {
    "enabled": True,
    "egress": [{"cidr": "203.0.113.0/24", "ports": [443]}],
    "apiServer": {"cidrs": ["10.0.0.1/32"]},
}


def with_config(values: Object, **more: Any) -> Object:
    """The same with further sections in `config`."""
    return {**values, "config": {**values["config"], **more}}


def profile(*tokens: Object, **more: Any) -> Object:
    """Values of one injection profile `x`."""
    one = source_values(*tokens)
    return {"injection": {"profiles": {"x": {**one, **more}}}}


def network(**more: Any) -> Object:
    """A token source with a NetworkPolicy."""
    return source_values(secret_token(), networkPolicy={**NETWORK, **more})


BAD: dict[str, tuple[Object, str]] = {
    "a token without sinks": (
        source_values({"name": "a"}),
        "config.tokens[0].sinks: is missing; name a Secret or a file",
    ),
    "an empty list of sinks": (
        source_values({"name": "a", "sinks": []}),
        "at '/config/tokens/0/sinks': minItems",
    ),
    "a token without a URL": (
        {
            "config": {"tokens": [secret_token()]},
            "credentials": {"a": {"secretName": "a"}},
        },
        "config.tokens[0].tokenUrl: is missing",
    ),
    "a token without a name": (
        {"config": {"tokens": [{"sinks": [{"secret": {"name": "a"}}]}]}},
        "at '/config/tokens/0': missing property 'name'",
    ),
    "one name for two tokens": (
        source_values(secret_token("a"), secret_token("a")),
        "config.tokens[1].name: is the name of config.tokens[0] too",
    ),
    "one Secret for two tokens": (
        source_values(
            {"name": "a", "sinks": [{"secret": {"name": "x", "namespaces": ["n", "m"]}}]},
            {"name": "b", "sinks": [{"secret": {"name": "x", "namespace": "m"}}]},
        ),
        "config.tokens[1].sinks[0].secret.name: is the Secret of config.tokens[0] too",
    ),
    "one Secret for all tokens, by defaults": (
        with_config(
            source_values({"name": "a"}, {"name": "b"}),
            defaults={"tokenUrl": "https://x/y", "sinks": [{"secret": {"name": "x"}}]},
        ),
        "config.defaults.sinks[0].secret.name: is the Secret of config.tokens[0] too",
    ),
    "no credentials": (
        {**source_values(secret_token()), "credentials": {}},
        "credentials.a: is missing; name what holds the files below "
        "/etc/secret-refresher/credentials/a, as {secretName: my-secret}",
    ),
    "credentials without a Secret": (
        {**source_values(secret_token()), "credentials": {"a": {}}},
        "at '/credentials/a': missing property 'secretName'",
    ),
    "a credential itself": (
        {**source_values(secret_token()), "credentials": {"a": {"clientSecret": "hush"}}},
        "'clientSecret' not allowed",
    ),
    "a credentials path without a folder": (
        source_values({**secret_token(), "auth": {"clientSecretFile": MOUNT + "x"}}),
        "config.tokens[0].auth.clientSecretFile: must be one folder and one file below",
    ),
    "credentials that nothing mounts": (
        source_values({**secret_token(), "auth": {"clientSecretFile": "/mnt/x"}}),
        "config.tokens[0].auth.clientSecretFile: is mounted by nothing",
    ),
    "no authorities": (
        source_values(
            {**secret_token(), "tls": {"caFile": "/etc/secret-refresher/ca/mine/ca.crt"}}
        ),
        "caBundles.mine: is missing; name what holds the files below /etc/secret-refresher/ca/mine",
    ),
    "authorities from two places": (
        {"caBundles": {"a": {"secretName": "a", "configMapName": "b"}}},
        "at '/caBundles/a'",
    ),
    "a file on no volume": (
        source_values(file_token()),
        "config.tokens[0].sinks[0].file.path: lies on no volume that can be written",
    ),
    "a mode without quotes": (
        source_values(file_token(path="/x/y", mode=288)),
        "at '/config/tokens/0/sinks/0/file/mode': got number, want",
    ),
    "a duration without a unit": (
        source_values({**secret_token(), "request": {"timeout": 10}}),
        "at '/config/tokens/0/request/timeout': got number, want",
    ),
    "loopback": (
        with_config(source_values(secret_token()), server={"address": "127.0.0.1:9797"}),
        "config.server.address: is loopback, where the kubelet cannot ask the probes; write",
    ),
    "a number that Helm changes": (
        source_values(
            {**secret_token(), "request": {"parameters": {"tenant": 12345678901234567890}}}
        ),
        "config.tokens[0].request.parameters.tenant: is a number that Helm would change",
    ),
    "a tiny number": (
        source_values({**secret_token(), "request": {"parameters": {"x": [-1e-7]}}}),
        "config.tokens[0].request.parameters.x[0]: is a number that Helm would change",
    ),
    "several replicas": (
        source_values(secret_token(), replicas=2),
        "replicas: must be 1 without election",
    ),
    "rights for everybody's account": (
        source_values(secret_token(), serviceAccount={"create": False}),
        "serviceAccount.name: is missing; name the account that gets the rights",
    ),
    "both monitors": (
        source_values(
            secret_token(), serviceMonitor={"enabled": True}, podMonitor={"enabled": True}
        ),
        "podMonitor.enabled: cannot stand beside serviceMonitor.enabled",
    ),
    "alerts without a monitor": (
        source_values(secret_token(), prometheusRule={"enabled": True}),
        "prometheusRule.enabled: needs serviceMonitor.enabled or podMonitor.enabled",
    ),
    "a policy that lets nothing out": (
        network(egress=[]),
        "networkPolicy.egress: is missing; name the addresses of token endpoints",
    ),
    "a policy without the API server": (
        network(apiServer={"cidrs": []}),
        "networkPolicy.apiServer.cidrs: is missing; name the addresses that `kubectl get",
    ),
    "a policy with a host name": (
        network(egress=[{"cidr": "api.example.com", "ports": [443]}]),
        "at '/networkPolicy/egress/0/cidr': 'api.example.com' does not match pattern",
    ),
    "a policy without a port": (
        network(egress=[{"cidr": "1.2.3.0/24", "ports": []}]),
        "at '/networkPolicy/egress/0/ports': minItems",
    ),
    "the metadata service": (
        network(egress=[{"cidr": "169.254.169.254/32", "ports": [80]}]),
        "networkPolicy.egress[0].cidr: is link-local",
    ),
    "the metadata service, IPv6": (
        network(apiServer={"cidrs": ["fe80::1/128"]}),
        "networkPolicy.apiServer.cidrs[0]: is link-local",
    ),
    "injection without the API": (
        profile(file_token()),
        "injection.profiles: needs MutatingAdmissionPolicy of admissionregistration.k8s.io/v1",
    ),
    "a profile without tokens": (
        {"injection": {"profiles": {"x": {"config": {}}}}},
        "injection.profiles.x.config.tokens: is missing",
    ),
    "a profile that writes Secrets": (
        profile(secret_token()),
        "injection.profiles.x.config.tokens[0].sinks[0].secret: a sidecar writes files",
    ),
    "a profile that writes elsewhere": (
        profile(file_token(path="/tmp/x")),  # noqa: S108 - a path in a pod
        "injection.profiles.x.config.tokens[0].sinks[0].file.path: lies on no volume",
    ),
    "a profile that only its own user reads": (
        profile(file_token(mode="0600")),
        "injection.profiles.x.config.tokens[0].sinks[0].file.mode: lets only the sidecar's own",
    ),
    "a profile without credentials": (
        profile(file_token(), credentials={}),
        "injection.profiles.x.credentials.a: is missing",
    ),
    "a profile that removes": (
        profile({**file_token(), "state": "absent"}),
        "injection.profiles.x.config.tokens[0].state: absent has no meaning in a sidecar",
    ),
    "a profile that is no label": (
        {"injection": {"profiles": {"X y": {"config": {}}}}},
        "invalid propertyName 'X y'",
    ),
    "a sidecar on loopback": (
        {"sidecar": {**with_config(source_values(file_token()), server={"address": "[::1]:1"})}},
        "sidecar.config.server.address: is loopback",
    ),
    "an image by a broken digest": (
        {"image": {"digest": "sha256:12"}},
        "at '/image/digest': 'sha256:12' does not match pattern",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_values_are_refused(what: str) -> None:
    """The sentence names the value and what to do."""
    values, sentence = BAD[what]
    version = "1.35" if what == "injection without the API" else "1.36"
    with pytest.raises(HelmError) as refused:
        render(values, version=version)
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)


def test_all_problems_at_once() -> None:
    """Whoever mends values sees everything that is wrong, and each thing once."""
    values = source_values({"name": "a"}, secret_token("a"), replicas=5)
    with pytest.raises(HelmError) as refused:
        render({**values, "credentials": {}})
    lines = [line for line in str(refused.value).splitlines() if line.startswith("  - ")]
    assert [line.partition(":")[0] for line in lines] == [
        "  - config.tokens[0].sinks",
        "  - credentials.a",
        "  - config.tokens[1].name",
        "  - replicas",
    ]


def test_a_configuration_too_large_for_a_configmap() -> None:
    """1 MiB is the end, and the sentence says what to do then."""
    padding = {"request": {"headers": {"X-Padding": 1000 * "x"}}}
    tokens = [{**secret_token(f"t{number}"), **padding} for number in range(1000)]
    with pytest.raises(HelmError, match="config: is larger than the 1 MiB that a ConfigMap holds"):
        render(source_values(*tokens))


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (131_000, "x.config: is larger than the 128 KiB that an environment variable holds"),
        (100_000, "x.config: is larger than an admission policy may be (100,000 characters)"),
    ],
)
def test_a_configuration_too_large_for_a_sidecar(size: int, sentence: str) -> None:
    """Its environment and the policy have ends, which are told before anything is made."""
    values = profile({**file_token(), "request": {"parameters": {"x": size * "x"}}})
    with pytest.raises(HelmError) as refused:
        render(values)
    assert sentence in str(refused.value)


def test_the_api_of_a_live_cluster_counts() -> None:
    """Where a cluster lists its kinds, its version alone is not enough: a gate may be off."""
    values = profile(file_token())
    with pytest.raises(HelmError, match="needs MutatingAdmissionPolicy"):
        render(values, "--api-versions", "v1/Pod")
    kind = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
    render(values, "--api-versions", "v1/Pod", "--api-versions", kind, version="1.30")
