"""The command `secret-refresher`: arguments in, an exit status out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from secret_refresher import __version__

OK, FAILED, USAGE = 0, 1, 2
CONFIG_LIMIT = 16 * 1024 * 1024
"""Bytes of one configuration file that are read at most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    0: done, or stopped by SIGTERM or SIGINT. 1: could not do it. 2: usage or configuration.
    """
    options = _parser().parse_args(arguments)
    command: str = options.command
    if arguments is None:
        _stop_while_starting(options)
    if command == "schema":
        from secret_refresher.cli.schema import schema

        return schema(sys.stdout)
    if command == "demo":
        from secret_refresher.demo.play import demo

        return demo(options.seconds, sys.stdout)
    return _configured(options)


def _stop_while_starting(options: argparse.Namespace) -> None:
    """Lets SIGTERM and SIGINT end the daemon from here on, before `run` has handlers of its own.

    Process 1 of a container ignores a signal that it does not handle (pid_namespaces(7)), and
    the imports to come take most of the start. The image starts us with SIGTERM blocked, so
    that one sent even earlier waits for this. Nothing has been begun that would need an end.
    """
    if options.command == "run":
        status = FAILED if options.once else OK
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: os._exit(status))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


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

            return check(source, sys.stdout)
        if options.command == "rbac":
            from secret_refresher.cli.rbac import rbac

            return rbac(source, options.service_account, options.namespace, sys.stdout)
        from secret_refresher.cli.run import run

        return run(source, sys.stderr, once=options.once)
    except ConfigError as refused:
        for problem in refused.problems:
            print(f"secret-refresher: {problem}", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="secret-refresher",
        description="Keeps OAuth 2.0 access tokens fresh in files and Kubernetes Secrets.",
        epilog="Exit status: 0 done or stopped by a signal, 1 could not do it, "
        "2 usage or configuration. Secrets are never accepted as arguments.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="the daemon")
    run.add_argument(
        "--once", action="store_true", help="fetch and publish everything once, then exit"
    )
    check = commands.add_parser("check", help="validate the configuration, offline")
    rbac = commands.add_parser("rbac", help="print the least Kubernetes rights that are needed")
    rbac.add_argument(
        "--service-account", metavar="NAME", required=True, help="the daemon's ServiceAccount"
    )
    rbac.add_argument(
        "--namespace", metavar="NS", required=True, help="the namespace of ServiceAccount and pod"
    )
    for command in (run, check, rbac):
        command.add_argument(
            "--config",
            metavar="PATH",
            help="a file, or a folder of *.yaml; else SECRET_REFRESHER_CONFIG names it, or "
            "SECRET_REFRESHER_CONFIG_YAML holds the text",
        )
    commands.add_parser("schema", help="print the configuration's JSON Schema")
    demo = commands.add_parser("demo", help="see it work on this machine")
    demo.add_argument("--seconds", type=float, metavar="N", help="end by itself after N seconds")
    return parser
