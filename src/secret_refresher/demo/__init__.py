"""All of it on one machine: a small authorization server, the real daemon, and a consumer."""
