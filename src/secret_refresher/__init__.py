"""Keeps OAuth 2.0 access tokens fresh in files and Kubernetes Secrets."""

__version__ = "0.1.0"
