"""Kubernetes: Secrets as sinks, namespaces by selector, Events, over one API client."""

from secret_refresher.adapters.kubernetes.cluster import Cluster

__all__ = ["Cluster"]
