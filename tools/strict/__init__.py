"""Is the simulation strict? It is tried on changes that break a promise."""
