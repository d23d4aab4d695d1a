"""`helm test`: the doctor with the daemon's account, configuration and files."""

from support.chart import Object, every, one, render, secret_token, source_values


def doctor(values: object) -> Object:
    """The pod that `helm test` makes."""
    pod = one(render(values), "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    found: Object = pod["spec"]
    return found


def daemon(values: object) -> Object:
    """The Deployment's pod."""
    found: Object = one(render(values), "Deployment")["spec"]["template"]["spec"]
    return found


def test_it_sees_what_the_daemon_sees() -> None:
    """Account, volumes, mounts, image and both security contexts are the daemon's."""
    values = source_values(secret_token("a"))
    looks, runs = doctor(values), daemon(values)
    for key in ("serviceAccountName", "automountServiceAccountToken", "securityContext", "volumes"):
        assert looks[key] == runs[key], key
    [looking], [running] = looks["containers"], runs["containers"]
    for key in ("image", "securityContext", "volumeMounts", "resources"):
        assert looking[key] == running[key], key


def test_it_ends_by_itself() -> None:
    """No ports, no probes, no second try: its status is the test's."""
    spec = doctor(source_values(secret_token("a")))
    assert spec["restartPolicy"] == "Never"
    [container] = spec["containers"]
    assert container["args"] == ["doctor", "--config", "/etc/secret-refresher/config"]
    assert not {"ports", "livenessProbe", "readinessProbe"} & set(container)


def test_it_fetches_only_where_that_is_asked_for() -> None:
    """A test that costs a token is somebody's decision."""
    values = {**source_values(secret_token("a")), "doctor": {"fetch": True}}
    [container] = doctor(values)["containers"]
    assert container["args"][:2] == ["doctor", "--fetch"]


def test_there_is_none_without_a_token_source() -> None:
    """A release that only injects sidecars has no pod to look at."""
    assert every(render({}), "Pod") == []
