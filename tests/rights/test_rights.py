"""The least rights that a configuration needs."""

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config
from secret_refresher.rights import EVERYWHERE, Rule, manifests, rights, watches

EVENTS = Rule("events", ("create",))


def config(text: str) -> Config:
    """A configuration whose tokens have only name and sinks."""
    source = ConfigSource(
        MountReader(), path=None, text=text + "\ndefaults: {tokenUrl: 'https://id.example.com/t'}"
    )
    return source.load().config


def test_files_need_no_rights() -> None:
    """Without a Secret sink nothing is asked for."""
    assert rights(config("tokens: [{name: a, sinks: [{file: {}}]}]"), "home") == {}
    assert manifests(config("tokens: [{name: a, sinks: [{file: {}}]}]"), "sr", "home") == []


def test_leases_by_name() -> None:
    """Of Leases the configured ones only, where they are, and no right to list or update them."""
    text = "tokens: [{name: a, sinks: [{secret: {name: x}}]}]\nelection: {enabled: true"
    found = rights(config(text + ", shards: 3, name: l, namespace: n}"), "home")
    verbs = ("create", "get", "patch")
    leases = Rule("leases", verbs, ("l", "l-1", "l-2"), "coordination.k8s.io")
    assert found["n"] == (leases, EVENTS)
    at_home = rights(config(text + "}"), "home")["home"]
    assert Rule("leases", verbs, ("secret-refresher",), "coordination.k8s.io") in at_home
    assert rights(config(text.replace("true", "false") + "}"), "home").keys() == {"home"}


def test_each_namespace_gets_a_role_for_its_own_names() -> None:
    """By name, where it is; a sink without a namespace is in the pod's own."""
    found = rights(
        config(
            "tokens: [{name: a, sinks: [{secret: {name: x}}, {secret: {name: y, namespaces: [n,"
            " m]}}]}]"
        ),
        "home",
    )
    verbs = ("create", "get", "list", "patch", "watch")
    assert found == {
        "home": (Rule("secrets", verbs, ("x",)), EVENTS),
        "m": (Rule("secrets", verbs, ("y",)), EVENTS),
        "n": (Rule("secrets", verbs, ("y",)), EVENTS),
    }


def test_only_what_is_removed_may_be_deleted() -> None:
    """`delete` is there for onExpired: delete and state: absent, and for no other Secret."""
    found = rights(
        config(
            "tokens: [{name: a, sinks: [{secret: {name: a}}]},"
            " {name: b, refresh: {onExpired: delete}, sinks: [{secret: {name: b}}]},"
            " {name: c, state: absent, sinks: [{secret: {name: c}}]}]"
        ),
        "home",
    )["home"]
    assert {rule.names: rule.verbs for rule in found if rule.resource == "secrets"} == {
        ("a",): ("create", "get", "list", "patch", "watch"),
        ("b",): ("create", "delete", "get", "list", "patch", "watch"),
        ("c",): ("delete", "get", "list", "patch", "watch"),
    }


def test_many_secrets_are_not_watched() -> None:
    """Above 64 each is read in turn, so that list and watch are not needed."""
    for number, watched in ((64, True), (65, False)):
        names = ", ".join(
            f"{{name: t{n}, sinks: [{{secret: {{name: s{n}}}}}]}}" for n in range(number)
        )
        many = config(f"tokens: [{names}]")
        assert watches(many) is watched
        (rule, _) = rights(many, "home")["home"]
        assert ("watch" in rule.verbs) is watched
        assert len(rule.names) == number


def test_a_workload_may_be_looked_at_and_patched_by_name() -> None:
    """As each kind needs it, in its namespace; that brings no right to Secrets there."""
    found = rights(
        config(
            "tokens: [{name: a, sinks: [{file: {}}], notify: ["
            "{rollout: {kind: Deployment, name: '{name}-x', namespace: m}},"
            " {rollout: {kind: Deployment, name: w, namespace: m}},"
            " {rollout: {kind: DaemonSet, name: d}}]},"
            " {name: b, state: absent, sinks: [{file: {}}], notify: ["
            "{rollout: {kind: StatefulSet, name: gone}}]}]\nkubernetes: {drift: namespace}"
        ),
        "home",
    )
    verbs = "get", "patch"
    assert found == {
        "home": (Rule("daemonsets", verbs, ("d",), "apps"), EVENTS),
        "m": (Rule("deployments", verbs, ("a-x", "w"), "apps"), EVENTS),
    }


def test_a_namespace_is_listed_only_where_that_is_wanted() -> None:
    """`drift: namespace` asks for list and watch without a name, and for nothing more."""
    found = rights(
        config("tokens: [{name: a, sinks: [{secret: {name: a}}]}]\nkubernetes: {drift: namespace}"),
        "home",
    )["home"]
    assert found == (
        Rule("secrets", ("create", "get", "patch"), ("a",)),
        Rule("secrets", ("list", "watch")),
        EVENTS,
    )


def test_only_selectors_need_the_whole_cluster() -> None:
    """A ClusterRole, still by the Secret's name, and the right to see namespaces."""
    selected = config(
        "tokens: [{name: a, sinks: [{secret: {name: a, namespaceSelector: {}}},"
        " {secret: {name: b}}]}]"
    )
    assert rights(selected, "home")[EVERYWHERE] == (
        Rule("secrets", ("create", "delete", "get", "list", "patch", "watch"), ("a",)),
        Rule("namespaces", ("list", "watch")),
        EVENTS,
    )
    kinds = [found["kind"] for found in manifests(selected, "sr", "home")]
    assert kinds == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    cluster, *_ = manifests(selected, "sr", "home")
    assert cluster["metadata"] == {"name": "home-sr"}


def test_a_binding_names_the_service_account_with_its_namespace() -> None:
    """The Role may be in any namespace, the ServiceAccount is in the pod's."""
    found = manifests(
        config("tokens: [{name: a, sinks: [{secret: {name: x, namespace: other}}]}]"), "sr", "home"
    )
    role, binding = found
    assert role["metadata"] == {"name": "home-sr", "namespace": "other"}
    assert role["rules"][0]["resourceNames"] == ["x"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "sr", "namespace": "home"}]
    assert binding["roleRef"]["name"] == "home-sr"
