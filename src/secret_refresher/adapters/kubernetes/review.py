"""What this process may do, as the API server itself says (SelfSubjectAccessReview)."""

from __future__ import annotations

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.errors import Trouble

_GROUP = "authorization.k8s.io/v1"
_PATH = f"/apis/{_GROUP}/selfsubjectaccessreviews"


def allowed(
    api: Api, verb: str, resource: str, *, group: str, namespace: str, name: str | None
) -> bool:
    """Whether `verb` on a resource is granted; `namespace` empty means in all of them.

    Nothing is done: every authenticated user may ask (Kubernetes `system:basic-user`). Raises
    `Trouble` where the question is not answered.
    """
    wanted = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
    if name is not None:
        wanted["name"] = name
    body = {
        "apiVersion": _GROUP,
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": wanted},
    }
    doing = f"ask whether {verb} on {resource} is granted"
    answer = api.request("POST", _PATH, body=body)
    if not answer.ok:
        refused = faults.refused(answer.status, answer.content, answer.retry_after, doing)
        raise Trouble(refused)
    status = answer.content.get("status")
    if not isinstance(status, dict):
        raise Trouble(faults.strange(answer.status, doing))
    return status.get("allowed") is True


def version(api: Api) -> str:
    """The API server's version, as it names it. Raises `Trouble`."""
    answer = api.request("GET", "/version")
    if not answer.ok:
        raise Trouble(faults.refused(answer.status, answer.content, answer.retry_after, "connect"))
    told = answer.content.get("gitVersion")
    if not isinstance(told, str) or not told.isprintable():
        raise Trouble(faults.strange(answer.status, "connect"))
    return told[:40]
