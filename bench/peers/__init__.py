"""What people use instead: the same job, under the same script of faults, in the same run."""

from bench.peers.figures import measure

__all__ = ["measure"]
