"""The command `secret-refresher`: arguments in, an exit status out."""

from __future__ import annotations

import argparse
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn, TextIO, final

from secret_refresher import __version__

OK, FAILED, USAGE = 0, 1, 2
CONFIG_LIMIT = 16 * 1024 * 1024
"""Bytes of one configuration file that are read at most."""
_OPTION = re.compile(r"--?[a-z][a-z-]*")
_VALUE = re.compile(r"(invalid choice:|invalid \w+ value:|explicit argument) .*?(?= \(choose|$)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    0: done, or stopped by SIGTERM or SIGINT. 1: could not do it. 2: usage or configuration.
    """
    options = _parser().parse_args(arguments)
    if arguments is None:
        _while_starting(options)
    if options.command == "schema":
        from secret_refresher.cli.schema import schema

        return _printed(schema)
    if options.command == "status":
        return _status(options)
    if options.command == "demo":
        from secret_refresher.demo.play import demo

        return demo(options.seconds, sys.stdout)
    return _configured(options)


def _while_starting(options: argparse.Namespace) -> None:
    """Lets SIGTERM and SIGINT end a start that has hardly begun, and does without the collector.

    Process 1 of a container ignores a signal that it does not handle (pid_namespaces(7)), and
    the imports to come take most of the start. The image starts us with SIGTERM blocked, so
    that one sent even earlier waits for this. Nothing has been begun that would need an end.
    """
    if options.command == "run":
        status = FAILED if options.once else OK
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: os._exit(status))
        # What imports make stays; looking through it again and again takes a sixth of the start.
        # `run` switches the collector on again once it has begun.
        gc.disable()
    elif options.command != "demo":
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C needs no traceback
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _status(options: argparse.Namespace) -> int:
    """Looks at a daemon, or at a cluster."""
    from secret_refresher.cli import status
    from secret_refresher.cli.places import places

    if options.source == "cluster":
        known = partial(places, options.config, os.environ)
        look = status.of_cluster(os.environ, options.namespace, known)
    else:
        try:
            look = status.of_daemon(options.url)
        except ValueError as wrong:
            print(f"secret-refresher: --url {wrong}", file=sys.stderr)
            return USAGE

    def printer(out: TextIO) -> status.Printer:
        terminal, json = sys.stdout.isatty(), options.output == "json"
        return status.Printer(out, os.environ, terminal=terminal, json=json)

    if options.watch:
        return status.watch(look, printer(sys.stdout))
    return _printed(lambda out: status.status(look, printer(out)))


def _configured(options: argparse.Namespace) -> int:
    """The commands that need a configuration."""
    from secret_refresher.adapters.config_files import ConfigSource, resolve
    from secret_refresher.adapters.mounts import MountReader
    from secret_refresher.config.problems import ConfigError

    try:
        path, text = resolve(options.config, os.environ)
        source = ConfigSource(MountReader(CONFIG_LIMIT), path=path, text=text)
        if options.command == "check":
            from secret_refresher.cli.check import check

            return _printed(partial(check, source))
        if options.command == "rbac":
            from secret_refresher.cli.rbac import rbac

            return _printed(partial(rbac, source, options.service_account, options.namespace))
        if options.command == "doctor":
            from secret_refresher.cli.doctor import doctor

            return _printed(
                lambda out: doctor(
                    source, os.environ, out, fetch=options.fetch, as_json=options.output == "json"
                )
            )
        from secret_refresher.cli.run import run

        return run(source, sys.stderr, once=options.once)
    except ConfigError as refused:
        for problem in refused.problems:
            print(f"secret-refresher: {problem}", file=sys.stderr)
        return USAGE


def _printed(command: Callable[[TextIO], int]) -> int:
    """Runs a command that prints, and prints all of it at once; the exit status.

    Who stops reading has seen enough; whatever else keeps it from being written is a failure.
    """
    out = io.StringIO()
    status = command(out)
    try:
        sys.stdout.write(out.getvalue())
        sys.stdout.flush()
    except OSError as error:
        # Or Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"secret-refresher: cannot print: {error.strerror}", file=sys.stderr)
            return FAILED
    return status


@final
class _Parser(argparse.ArgumentParser):
    """Repeats no value that it refuses: somebody may have tried to pass a secret."""

    def error(self, message: str) -> NoReturn:
        unknown, _, values = message.partition("unrecognized arguments: ")
        if not unknown:
            names = (value.partition("=")[0] for value in values.split())
            options = [name for name in names if _OPTION.fullmatch(name)]
            message = f"arguments that do not exist{': ' if options else ''}{' '.join(options)}"
        super().error(_VALUE.sub(r"\1", message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        allow_abbrev=False,
        prog="secret-refresher",
        description="Keeps OAuth 2.0 access tokens fresh in files and Kubernetes Secrets.",
        epilog="Exit status: 0 done or stopped by a signal, 1 could not do it, "
        "2 usage or configuration. Secrets are never accepted as arguments.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = partial(commands.add_parser, allow_abbrev=False)
    run = add("run", help="the daemon")
    run.add_argument(
        "--once", action="store_true", help="fetch and publish everything once, then exit"
    )
    check = add("check", help="validate the configuration, offline")
    rbac = add("rbac", help="print the least Kubernetes rights that are needed")
    rbac.add_argument(
        "--service-account", metavar="NAME", required=True, help="the daemon's ServiceAccount"
    )
    rbac.add_argument(
        "--namespace", metavar="NS", required=True, help="the namespace of ServiceAccount and pod"
    )
    doctor = add("doctor", help="look at a live set-up: files, sinks, rights, servers, clocks")
    doctor.add_argument(
        "--fetch", action="store_true", help="fetch each token once, and show a hash of it only"
    )
    doctor.add_argument("--output", choices=("text", "json"), default="text", help="for whom")
    for command in (run, check, rbac, doctor):
        command.add_argument(
            "--config",
            metavar="PATH",
            help="a file, or a folder of *.yaml; else SECRET_REFRESHER_CONFIG names it, or "
            "SECRET_REFRESHER_CONFIG_YAML holds the text",
        )
    status = add("status", help="show how the tokens are, from a daemon or a cluster")
    status.add_argument(
        "--url", metavar="URL", default="http://127.0.0.1:9797", help="the daemon's own address"
    )
    status.add_argument(
        "--from",
        dest="source",
        choices=("daemon", "cluster"),
        default="daemon",
        help="whom to ask: a daemon, or what stands beside the tokens in a cluster's Secrets",
    )
    status.add_argument("--namespace", metavar="NS", help="look in this one of the cluster's only")
    status.add_argument("--watch", action="store_true", help="look again every two seconds")
    status.add_argument("--output", choices=("text", "json"), default="text", help="for whom")
    status.add_argument(
        "--config", metavar="PATH", help="its Secrets are looked at where listing is refused"
    )
    add("schema", help="print the configuration's JSON Schema")
    demo = add("demo", help="see it work on this machine")
    demo.add_argument("--seconds", type=float, metavar="N", help="end by itself after N seconds")
    return parser
