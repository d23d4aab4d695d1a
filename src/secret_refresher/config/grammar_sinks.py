"""The keys under `sinks`: where a token goes."""

from __future__ import annotations

from secret_refresher.config import checks, names
from secret_refresher.config.kinds import OneOf
from secret_refresher.config.measures import Duration, Mode
from secret_refresher.config.model import Expression, FileSink, LabelSelector, Operator, SecretSink
from secret_refresher.config.renders import Rendering
from secret_refresher.config.sections import Key, Section, Table, Whole
from secret_refresher.config.shapes import Choice, Flag, Items, Text

_DAY = 86400.0

FILE = Section(
    FileSink,
    {
        "path": Key(
            "path",
            Text(checks.output_path, "^/"),
            "The file, as an absolute path; {name} stands for the token's name.",
        ),
        "mode": Key("mode", Mode(), "Permission bits, octal digits in quotes."),
        "render": Key(
            "render", Rendering(), "How the token is written; a text alone is a Jinja2 template."
        ),
    },
)


_LABEL_VALUE = Text(names.label_value, names.LABEL_VALUE, empty=True)
_KEY_SCHEMA = {"pattern": names.LABEL_KEY}
_NAMESPACE = Text(checks.label, checks.LABEL)
_SELECTOR = Section(
    LabelSelector,
    {
        "matchLabels": Key(
            "match_labels",
            Table(_LABEL_VALUE, names.label_key, _KEY_SCHEMA),
            "Labels that must have these values.",
        ),
        "matchExpressions": Key(
            "match_expressions",
            Items(
                Whole(
                    Section(
                        Expression,
                        {
                            "key": Key(
                                "key", Text(names.label_key, names.LABEL_KEY), "The label's name."
                            ),
                            "operator": Key(
                                "operator", Choice(tuple(Operator)), "How it is compared."
                            ),
                            "values": Key(
                                "values",
                                Items(_LABEL_VALUE),
                                "With In and NotIn: the values.",
                            ),
                        },
                    )
                )
            ),
            "Further conditions on labels.",
        ),
    },
)
SECRET = Section(
    SecretSink,
    {
        "name": Key(
            "name",
            Text(names.secret_name, names.SECRET_NAME),
            "The Secret's name; {name} stands for the token's name.",
        ),
        "namespace": Key(
            "namespace", _NAMESPACE, "Its namespace; the pod's own unless one is given."
        ),
        "namespaces": Key("namespaces", Items(_NAMESPACE, least=1), "Its namespaces."),
        "namespaceSelector": Key(
            "namespace_selector", _SELECTOR, "Its namespaces by their labels, as they come and go."
        ),
        "type": Key("type", Text(names.secret_type), "The Secret's type."),
        "data": Key(
            "data",
            Table(Rendering(), names.data_key, {"pattern": names.DATA_KEY}),
            "How the token is written under each key; the key token with format: raw unless given.",
        ),
        "force": Key(
            "force", Flag(), "Take a key that somebody else manages, or another owner's Secret."
        ),
        "labels": Key(
            "labels",
            Table(_LABEL_VALUE, names.further_key, _KEY_SCHEMA),
            "Further labels of the Secret.",
        ),
        "annotations": Key(
            "annotations",
            Table(Text(empty=True), names.further_key, _KEY_SCHEMA),
            "Further annotations of the Secret.",
        ),
        "propagation": Key(
            "propagation",
            Duration(0, _DAY),
            "How late a mounted copy of the Secret may see a change.",
        ),
    },
    rivals=("namespace", "namespaces", "namespaceSelector"),
)
SINKS = {
    "file": (FILE, "A file that holds the token."),
    "secret": (SECRET, "A Secret that holds the token."),
}
"""The kinds of sinks: the section, and what it is for people."""
SINK = OneOf(SINKS, "sink", "file: and below it path:", "file: or secret:")
