"""Templates: the part of Jinja2 that writes a token down, at a cost that is bounded.

A sandbox keeps a template from reaching out, but not from a hundred nested loops, nor from
`'x' * 10 ** 10`. So what is offered is listed here, and all else is refused, when the
configuration is read. Work and memory are then at most proportional to the template's length
times the token's: loops do not nest, a variable cannot grow from another one, and each filter's
result and the whole text are at most `MOST`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
import jinja2.meta
import jinja2.sandbox
from jinja2 import nodes
from jinja2.exceptions import SecurityError

from secret_refresher.tokens.rendering import MOST

LONGEST_TEMPLATE = 64 * 1024
_ROUNDS = 1024
"""What `range` gives at most."""
_FILTERS = (
    "capitalize d default e escape first float int last length list lower reverse round string"
    " title tojson trim upper urlencode"
).split()
_OWN_FILTERS = ("join", "replace")
_METHODS = (
    "endswith lower lstrip partition removeprefix removesuffix rpartition rsplit rstrip split"
    " startswith strip upper"
).split()
_LOOP = ("first", "index", "index0", "last", "length", "revindex", "revindex0")
_OFFERED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test),
    *(nodes.Filter, nodes.Getitem, nodes.Slice, nodes.Getattr, nodes.Call, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
)
_INSTEAD = "there are {{ }}, if, for, set, and a few filters: see docs/configuration.md"


def problem(text: str, names: Iterable[str]) -> str | None:
    """What is wrong with a template that may use `names`, in a sentence; None if nothing."""
    if len(text) > LONGEST_TEMPLATE:
        return "is longer than 64 KiB"
    try:
        tree = _environment().parse(text)
        for node in tree.find_all(nodes.Node):
            instead = _not_offered(node)
            if instead is not None:
                return f"uses {instead}, which is not offered here; {_INSTEAD}"
        unknown = sorted(jinja2.meta.find_undeclared_variables(tree) - {*names, "range"})
    except jinja2.TemplateSyntaxError as wrong:
        return f"is no Jinja2 template: look at line {wrong.lineno} of it"
    except RecursionError:
        return "nests too deeply"
    if unknown:
        return f"names {unknown[0][:60]}, which does not exist; there are {', '.join(names)}"
    return _growing(tree, {*names, "range", "loop"})


def fill(text: str, values: Mapping[str, object]) -> str:
    """The template with these values. Raises whatever Jinja2 or a filter raises."""
    parts, size = [], 0
    for part in _compiled(text, tuple(values)).generate(values):
        size += len(part)
        if size > MOST:
            break  # the caller tells that it is too large
        parts.append(part)
    else:
        return "".join(parts)
    return "".join((*parts, part))


# --- what is offered ---------------------------------------------------------------------------


def _growing(tree: nodes.Template, given: set[str]) -> str | None:
    """What makes more of a template than its length and the token's say; None if nothing."""
    if any(loop.find(nodes.For) for loop in tree.find_all(nodes.For)):
        return "has a loop within a loop; one has to do"
    names = list(tree.find_all(nodes.Name))
    if any(name.ctx == "store" and name.name in given for name in names):
        return "sets a name that it is given; choose another one"
    settings = list(tree.find_all(nodes.Assign))
    variables = {name for setting in settings for name in _names(setting.target)}
    if any(variables & _names(setting.node) for setting in settings):
        return "sets a variable from another one; write what that one stands for"
    return None


def _names(node: nodes.Node) -> set[str]:
    inner = {name.name for name in node.find_all(nodes.Name)}
    return inner | {node.name} if isinstance(node, nodes.Name) else inner


def _not_offered(node: nodes.Node) -> str | None:
    """What of this node is not offered, in words."""
    match node:
        case nodes.Name(name="self"):
            return "self"
        case nodes.Filter() if node.name not in (*_FILTERS, *_OWN_FILTERS):
            return f"the filter {node.name[:60]}"
        case nodes.Getattr() if node.attr not in (*_METHODS, *_LOOP):
            return f"the attribute {node.attr[:60]}"
        case nodes.Call() if isinstance(node.node, nodes.Getattr):
            return None if node.node.attr in _METHODS else f"a call of {node.node.attr[:60]}"
        case nodes.Call():
            known = isinstance(node.node, nodes.Name) and node.node.name == "range"
            return None if known else "a call"
        case nodes.For() if node.recursive:
            return "a recursive loop"
        case nodes.Test() if node.name not in {"defined", "undefined", "none", "string", "number"}:
            return f"the test {node.name[:60]}"
        case _ if not isinstance(node, _OFFERED):
            return type(node).__name__.lower()
    return None


# --- how it runs -------------------------------------------------------------------------------


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers are reckoned with; texts and lists are only put together, up to a size."""
        if isinstance(left, int | float) and isinstance(right, int | float):
            if max(abs(left), abs(right)) > 2**62:
                raise SecurityError("too large a number")
        elif operator != "+":
            raise SecurityError("texts are not multiplied")
        return _bounded(super().call_binop(context, operator, left, right))


@functools.lru_cache(maxsize=1)
def _environment() -> _Environment:
    environment = _Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    offered = {name: environment.filters[name] for name in _FILTERS}
    environment.filters = {name: _checked(filter_) for name, filter_ in offered.items()}
    environment.filters |= {"join": _checked(_join), "replace": _checked(_replace)}
    environment.globals = {"range": _range}
    return environment


@functools.lru_cache(maxsize=64)
def _compiled(text: str, names: tuple[str, ...]) -> jinja2.Template:
    wrong = problem(text, names)
    if wrong is not None:
        raise SecurityError(wrong)
    return _environment().from_string(text)


def _checked(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, whose result is at most `MOST` long.

    It takes the context, so that nothing is worked out while a template is compiled.
    """
    wants = getattr(filter_, "jinja_pass_arg", None)

    @jinja2.pass_context
    def checked(context: jinja2.runtime.Context, *args: Any, **options: Any) -> Any:
        given = {"eval_context": context.eval_ctx, "environment": context.environment}
        first = [] if wants is None else [given[wants.name]]
        return _bounded(filter_(*first, *args, **options))

    return checked


def _bounded(value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict) and len(value) > MOST:
        raise SecurityError("too long")
    return value


def _join(values: Iterable[Any], separator: str = "") -> str:
    parts = [str(value) for value in values]
    if sum(map(len, parts)) + len(separator) * len(parts) > MOST:
        raise SecurityError("too long")
    return separator.join(parts)


def _replace(text: Any, old: str, new: str) -> str:
    whole = str(text)
    if len(whole) + whole.count(old) * len(new) > MOST:
        raise SecurityError("too long")
    return whole.replace(old, new)


def _range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > _ROUNDS:
        raise SecurityError("too many rounds")
    return numbers
