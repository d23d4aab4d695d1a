"""An authorization server that says where its token endpoint is (RFC 8414, OpenID Connect)."""

from __future__ import annotations

import ssl

from support.authorization_answers import Answer, Recorded, answer, refusal
from support.authorization_server import AuthorizationServer

OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


class Issuer(AuthorizationServer):
    """`documents` are its answers by path; it knows no other path below /.well-known/.

    Without any it has its metadata at the place of RFC 8414. A document stands in the place of
    scripted answers, too.
    """

    def __init__(self, path: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.path = path
        self.documents: dict[str, Answer] = {}

    @property
    def issuer(self) -> str:
        """Its identifier."""
        return f"{self.origin}{self.path}"

    def metadata(self, **members: object) -> Answer:
        """Its metadata; None removes a member."""
        usual = {"issuer": self.issuer, "token_endpoint": self.token_url}
        return answer({k: v for k, v in (usual | members).items() if v is not None})

    @property
    def looks(self) -> list[str]:
        """The paths at which metadata was asked for."""
        return [request.path for request in self.requests if "/.well-known/" in request.path]

    @property
    def asked(self) -> list[Recorded]:
        """The token requests."""
        return [request for request in self.requests if "/.well-known/" not in request.path]

    def _answer(self, request: Recorded) -> Answer:
        if "/.well-known/" not in request.path and request.path not in self.documents:
            return super()._answer(request)
        self.requests.append(request)
        known = self.documents or {f"{OAUTH}{self.path}": self.metadata()}
        return known.get(request.path, refusal("not_found", 404))
