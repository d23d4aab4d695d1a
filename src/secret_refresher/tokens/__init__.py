"""Tokens: what they are, how an answer becomes one, how one is written down. All pure."""
