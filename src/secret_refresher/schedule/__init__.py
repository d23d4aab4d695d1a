"""When to refresh, how long to wait, how often to ask: arithmetic with time as an argument."""
