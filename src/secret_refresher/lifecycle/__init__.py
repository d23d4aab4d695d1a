"""One token's life as a state machine: (state, event, now) -> (state, actions). All pure."""
