"""The NetworkPolicy: what goes out, and what never does."""

import ipaddress
import random

import pytest

from support.chart import HelmError, Object, ci_values, one, render, secret_token, source_values

LINK_LOCAL = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))


def policy(*cidrs: str, port: int = 443) -> Object:
    """The policy's spec with these targets."""
    values = source_values(
        secret_token(),
        networkPolicy={
            "enabled": True,
            "apiServer": {"cidrs": ["10.0.0.1/32"]},
            "egress": [{"cidr": cidr, "ports": [port]} for cidr in cidrs],
        },
    )
    spec: Object = one(render(values), "NetworkPolicy")["spec"]
    return spec


def reaches_link_local(block: Object) -> bool:
    """Whether a block lets a link-local address through."""
    network = ipaddress.ip_network(block["cidr"], strict=False)
    excepted = [ipaddress.ip_network(one) for one in block.get("except", [])]
    # Kubernetes wants an exception to lie within its block.
    assert all(
        one[0] in network and one[-1] in network and one.prefixlen > network.prefixlen
        for one in excepted
    )
    for local in LINK_LOCAL:
        if local.version == network.version and local.overlaps(network) and local not in excepted:
            return True
    return False


@pytest.mark.parametrize("seed", range(8))
def test_link_local_is_never_allowed(seed: int) -> None:
    """Whatever is allowed, the cloud's metadata service is not among it."""
    draw = random.Random(seed)  # noqa: S311 - the same examples every time
    near = [
        f"{169 + draw.choice([-1, 0, 0, 1])}.{254 + draw.choice([-1, 0, 0, 1])}" for _ in "abcd"
    ]
    cidrs = [f"{start}.{draw.randint(0, 255)}.0/{draw.randint(0, 32)}" for start in near]
    cidrs += ["0.0.0.0/0", "::/0", "2001:db8::/32", "10.0.0.0/8", "168.0.0.0/7", "128.0.0.0/1"]
    for cidr in cidrs:
        network = ipaddress.ip_network(cidr, strict=False)
        within = network.is_link_local and network.prefixlen >= 10
        if within:
            with pytest.raises(HelmError, match="is link-local"):
                policy(cidr)
            continue
        for rule in policy(cidr)["egress"]:
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    assert not reaches_link_local(peer["ipBlock"])


def test_only_what_is_named_goes_out() -> None:
    """Name servers, the API server, and the endpoints with their ports."""
    egress = policy("203.0.113.0/24", port=8443)["egress"]
    assert [sorted({port["port"] for port in rule["ports"]}) for rule in egress] == [
        [53],
        [443, 6443],
        [8443],
    ]
    assert egress[1]["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
    assert egress[2]["to"] == [{"ipBlock": {"cidr": "203.0.113.0/24"}}]


def test_nobody_comes_in_unless_named() -> None:
    """Without metricsFrom there is no way in; with it, to the metrics only."""
    closed = policy("203.0.113.0/24")
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in closed
    opened = one(render(ci_values()["everything"]), "NetworkPolicy")["spec"]["ingress"]
    assert [rule["ports"] for rule in opened] == [[{"port": 9797, "protocol": "TCP"}]]


def test_files_need_no_api_server() -> None:
    """A token source without Secrets reaches no API server."""
    values = source_values(
        {"name": "a", "sinks": [{"file": {"path": "/out/a"}}]},
        volumes=[{"name": "out", "emptyDir": {}}],
        volumeMounts=[{"name": "out", "mountPath": "/out"}],
        networkPolicy={"enabled": True, "egress": [{"cidr": "1.2.3.4/32", "ports": [443]}]},
    )
    assert len(one(render(values), "NetworkPolicy")["spec"]["egress"]) == 2
