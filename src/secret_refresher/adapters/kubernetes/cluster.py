"""One cluster: what the rest of the program sees of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import final

from secret_refresher.adapters.kubernetes import review
from secret_refresher.adapters.kubernetes.access import SERVICE_ACCOUNT, Access, load
from secret_refresher.adapters.kubernetes.api import TIMEOUT, Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.kube_events import KubernetesEvents
from secret_refresher.adapters.kubernetes.namespaces import Namespaces
from secret_refresher.adapters.kubernetes.reflector import Listed, Reflector
from secret_refresher.adapters.kubernetes.rollouts import Rollouts
from secret_refresher.adapters.kubernetes.secret_form import Installation, claims
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.config import model
from secret_refresher.ports import Clock, Fence, WatchFailed
from secret_refresher.rights import Rule, rollouts, secret_sinks, watches


@final
class Cluster:
    """Makes Secret sinks, and keeps what they share. Reaches out only when one of them does.

    `fence`: who may write at all, where replicas share the tokens. `timeout`: of one request.
    """

    def __init__(
        self,
        settings: model.Kubernetes,
        clock: Clock,
        environ: Mapping[str, str],
        service_account: str = SERVICE_ACCOUNT,
        *,
        fence: Fence | None = None,
        timeout: float | None = None,
    ) -> None:
        self._fence = fence
        self._us = Installation(settings.field_manager, settings.owner)
        self._by_namespace = settings.drift is model.Drift.NAMESPACE
        self._may_list = False
        self._clock = clock
        self._stopped = threading.Event()
        self._api = Api(Access(environ, service_account), clock, timeout or TIMEOUT)
        self._drift = Drift(self._api, clock, self._stopped)
        self._namespaces = Namespaces(self._api, clock)
        self.events = KubernetesEvents(self._api, clock, self._stopped)
        self.rollouts = Rollouts(self._api, clock, settings.field_manager, fence)

    def sinks(self, token: str, spec: model.SecretSink) -> tuple[SecretSink, ...]:
        """The sinks that an entry of the configuration stands for at present."""
        selector = spec.namespace_selector
        found: tuple[str | None, ...] = spec.fixed_namespaces
        if selector is not None:
            found = self._namespaces.matching(selector.query())
        return tuple(self._sink(token, spec, namespace) for namespace in found)

    def strays(self, token: str, spec: model.SecretSink) -> tuple[SecretSink, ...] | None:
        """Secrets that an earlier run filled in namespaces that the selector matches no more.

        None as long as it is not known which ones match. They are found by the list that drift is
        watched with; where Secrets are read in turn instead, nobody may list them.

        Raises `Trouble`.
        """
        selector = spec.namespace_selector
        if selector is None or not self._may_list:
            return ()
        if not self._namespaces.known(selector.query()):
            return None
        found = Listed()
        query = (("fieldSelector", f"metadata.name={spec.name}"),)
        Reflector(self._api, self._clock, "/api/v1/secrets", query, found).list_now()
        matching = self._namespaces.matching(selector.query())
        held = (
            str(metadata.get("namespace"))
            for metadata in found.metadata
            if claims(metadata, self._us, token)
        )
        return tuple(self._sink(token, spec, place) for place in held if place not in matching)

    def _sink(self, token: str, spec: model.SecretSink, namespace: str | None) -> SecretSink:
        return SecretSink(
            token,
            spec,
            namespace=namespace,
            us=self._us,
            api=self._api,
            drift=self._drift,
            clock=self._clock,
            fence=self._fence,
        )

    def follow(
        self, on_namespaces: Callable[[], None], on_failure: Callable[[WatchFailed], None]
    ) -> None:
        """From now on namespaces that come and go are told of, and Secrets are watched."""
        self._namespaces.start(on_namespaces, on_failure)
        self._drift.start(on_failure)

    def list_namespaces(self) -> None:
        """Waits until the namespaces of every selector are known. Raises `Trouble`."""
        self._namespaces.list_now()

    def prepare(self, config: model.Config) -> None:
        """Takes what a configuration as a whole means for how the cluster is looked at.

        Loads the client where there is any Secret, or a workload to restart; call it on the thread
        that starts the others.
        """
        if any(True for _ in secret_sinks(config)) or any(True for _ in rollouts(config)):
            load()
        by_name = watches(config)
        self._may_list = by_name or self._by_namespace
        self._drift.use(by_name=by_name, by_namespace=self._by_namespace)
        selectors = (sink.namespace_selector for _, sink in secret_sinks(config))
        self._namespaces.keep({each.query() for each in selectors if each is not None})

    def home(self) -> str:
        """The pod's own namespace, or that of the kubeconfig's context. Raises `Trouble`."""
        return self._api.namespace()

    def version(self) -> str:
        """What the API server calls itself. Raises `Trouble`."""
        return review.version(self._api)

    def skew(self) -> float:
        """The API server's clock less ours in seconds; 0 as long as they agree."""
        return self._api.skew()

    def allowed(self, rule: Rule, verb: str, namespace: str, name: str | None) -> bool:
        """Whether the API server grants one verb of a rule. Raises `Trouble`."""
        return review.allowed(
            self._api, verb, rule.resource, group=rule.group, namespace=namespace, name=name
        )

    def reached(self) -> bool:
        """Whether the API server has ever answered."""
        return self._api.reached()

    def stop(self) -> None:
        """Ends its threads as soon as they notice."""
        self._stopped.set()
        self._drift.stop()
        self._namespaces.stop()
