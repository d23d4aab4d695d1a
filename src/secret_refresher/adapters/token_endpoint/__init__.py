"""The token endpoint: credentials in, one bounded exchange, a grant or a fault out."""

from secret_refresher.adapters.token_endpoint.endpoint import TokenEndpoint

__all__ = ["TokenEndpoint"]
