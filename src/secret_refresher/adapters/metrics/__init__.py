"""Prometheus metrics, made from the engine's records when they are asked for."""

from secret_refresher.adapters.metrics.ledger import BUCKETS
from secret_refresher.adapters.metrics.metrics import PREFIX, Metrics

__all__ = ["BUCKETS", "PREFIX", "Metrics"]
