"""Turns the lifecycle's decisions into work: a heap of due times, bounded workers, wake-ups."""
