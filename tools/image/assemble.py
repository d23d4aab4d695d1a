"""Assembles the image's file system: the daemon, its Python, and what those two need.

    assemble.py APPLICATION ROOT

runs in the build stage, on the base image. It copies into the empty folder ROOT the interpreter
that runs it, its standard library without what no daemon uses, the virtual environment
APPLICATION, `env`, and the shared libraries that all of these name. No shell, no package manager,
no pip.

What comes from a Debian package is recorded in `/var/lib/dpkg/status.d`, where scanners look for
it in images without dpkg, and brings its copyright file along.
"""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

NOBODY = 65532
"""The user and group that the image runs as unless the pod says otherwise."""

UNUSED = {
    # Packages of the standard library: installing, developing, teaching, drawing.
    *("__phello__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests", "tkinter"),
    *("turtledemo", "venv"),
    # What pip and the distribution put beside it.
    *("__pycache__", "dist-packages", "site-packages"),
}
"""Folders that the standard library is copied without."""

FOREIGN = re.compile(
    r"(_tkinter|_sqlite3|_curses|_curses_panel|readline|_dbm|_gdbm|_test.*|_ctypes_test|xx.*)\."
)
"""Extension modules that need libraries of their own, which nothing here imports, or only test."""

STARTER = Path("/usr/bin/env")
"""Starts the daemon with SIGTERM blocked; see `cli.main`."""

DEAD = (
    # kubernetes' client once more for asyncio, with what only that needs, and its typed calls.
    *("kubernetes/aio", "kubernetes/client/api"),
    *("aiohappyeyeballs*", "aiohttp*", "aiosignal*", "attr", "attrs*", "frozenlist*"),
    *("multidict*", "propcache*", "yarl*"),
)
"""What is installed for others' sake, never imported here, and half of all that is installed;
the build imports every module of ours without it."""

OPENED = ("libgcc_s.so.1",)
"""Libraries that are opened by name, so that no file's header tells of them: the C library
unwinds a thread with this one when it ends, and without it the daemon crashes on its way out."""

LAZY = (
    *("encodings.idna", "jinja2.sandbox", "requests.packages", "yaml.cyaml"),
    *("kubernetes.client.api_client", "kubernetes.config"),
)
"""Modules that a running daemon imports late, by name."""

LISTING = """
import importlib, pkgutil, sys, secret_refresher
for found in pkgutil.walk_packages(secret_refresher.__path__, "secret_refresher."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")
"""
"""Prints the file of every module that any command may import; run inside the root, it shows
that none of them lacks anything."""

TEMPORARY = "/tmp"  # noqa: S108 - the folder itself, not a file in it
PASSWD = f"""root:x:0:0:root:/root:/sbin/nologin
nonroot:x:{NOBODY}:{NOBODY}:nonroot:/:/sbin/nologin
"""
GROUP = f"""root:x:0:
nonroot:x:{NOBODY}:
"""


class Root:
    """The file system under construction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def at(self, inside: Path) -> Path:
        """Where a path of the image lies here."""
        return self.path / inside.relative_to("/")

    def add(self, source: Path) -> None:
        """Copies a file to the place that it has, and each symbolic link on the way to it."""
        where = Path("/")
        for part in source.parts[1:]:
            where = where / part
            if where.is_symlink():
                self._link(where)
                # The rest of the way, seen from where the link leads.
                rest = source.relative_to(where)
                self.add(Path(os.path.normpath(where.parent / os.readlink(where))) / rest)
                return
        target = self.at(source)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)

    def tree(self, source: Path, unused: Iterable[str] = ()) -> None:
        """Copies a folder, without the parts of these names and without foreign extensions."""
        skip = set(unused)
        for folder, folders, files in os.walk(source):
            folders[:] = sorted(set(folders) - skip)
            # A link to a folder is not walked into; the loop below would miss it.
            names = [*files, *(name for name in folders if Path(folder, name).is_symlink())]
            for name in names:
                if not (name.endswith(".so") and FOREIGN.match(name)):
                    self.add(Path(folder, name))

    def write(self, inside: str, text: str) -> None:
        """Writes a file that anybody may read."""
        target = self.at(Path(inside))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o644)

    def programs(self) -> Iterator[Path]:
        """Every ELF file that is here, by its path in the image."""
        for folder, _, files in os.walk(self.path):
            for name in files:
                file = Path(folder, name)
                if not file.is_symlink():
                    with file.open("rb") as opened:
                        if opened.read(4) == b"\x7fELF":
                            yield Path("/", file.relative_to(self.path))

    def _link(self, link: Path) -> None:
        target = self.at(link)
        if not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(os.readlink(link))


def main(application: Path, root: Root) -> None:
    """Does all of it; any failure ends the build."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    root.tree(application, {"__pycache__"})
    root.add(Path(sys.executable))
    root.tree(stdlib, {*UNUSED, _config_folder()})
    root.add(STARTER)
    libraries = _libraries(root)
    for library in libraries:
        root.add(library)
    python = (Path(sys.executable), stdlib / "os.py", stdlib / "asyncio/__init__.py")
    _record(root, [*libraries, STARTER, *python])
    _surroundings(root)
    _bury(root, application)
    _lay_open(root)
    _compile(root, application)


def _config_folder() -> str:
    """The folder of the Makefile that extension modules are built with."""
    return Path(sysconfig.get_makefile_filename()).parent.name


def _libraries(root: Root) -> list[Path]:
    """What the programs in the root need, as the dynamic linker finds it on the base image."""
    found: set[Path] = set()
    for program in sorted(root.programs()):
        # Not ldd: that would run the program's own interpreter on the copy's behalf.
        told = _run("ldd", str(program))
        if "not found" in told:
            sys.exit(f"assemble: a library of {program} is missing:\n{told}")
        found.update(Path(path) for path in re.findall(r"(/\S+) \(0x", told))
    known = _run("ldconfig", "-p")
    for name in OPENED:
        path = re.search(rf"{re.escape(name)} .*=> (/\S+)", known)
        if path is None:
            sys.exit(f"assemble: the base image has no {name}")
        found.add(Path(path[1]))
    return sorted(found)


def _record(root: Root, files: Iterable[Path]) -> None:
    """Names the Debian packages that these files came from, and brings their copyright."""
    packages = {"base-files", "ca-certificates"}
    for file in files:
        if owner := _owner(file.resolve()):
            packages.add(owner)
    for package in sorted(packages):
        name = package.partition(":")[0]
        status = _run("dpkg-query", "--status", package)
        root.write(f"/var/lib/dpkg/status.d/{name}", status)
        copyright_file = Path("/usr/share/doc", name, "copyright")
        if copyright_file.exists():
            # It may be a link to another package's.
            root.write(str(copyright_file), copyright_file.read_text(errors="replace"))


def _owner(file: Path) -> str | None:
    """The package that a file belongs to; None where no package has it (a built Python)."""
    told = subprocess.run(
        ["dpkg-query", "--search", str(file)], capture_output=True, text=True, check=False
    )
    return told.stdout.partition(": ")[0] if told.returncode == 0 else None


def _surroundings(root: Root) -> None:
    """Users, name look-up, certificates, the linker's cache, and the folders to mount on."""
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/group", GROUP)
    root.write("/etc/nsswitch.conf", "hosts: files dns\n")
    root.add(Path("/etc/os-release"))
    root.add(Path("/etc/ssl/certs/ca-certificates.crt"))
    openssl = Path("/usr/lib/ssl")  # OPENSSLDIR of Debian's libssl
    for name in ("certs", "openssl.cnf"):
        if (openssl / name).exists():
            root.add(openssl / name)
    for link in map(Path, ("/bin", "/lib", "/lib64")):
        if link.is_symlink():
            root.add(link)
    for folder in ("/dev", "/proc", "/run", "/sys", TEMPORARY, "/var/run"):
        root.at(Path(folder)).mkdir(parents=True, exist_ok=True)
    for conf in (Path("/etc/ld.so.conf"), *sorted(Path("/etc/ld.so.conf.d").glob("*.conf"))):
        root.add(conf)
    _run("ldconfig", "-r", str(root.path))
    shutil.rmtree(root.at(Path("/var/cache")), ignore_errors=True)


def _bury(root: Root, application: Path) -> None:
    """Removes what is dead, and the commands that libraries bring."""
    packages = next(root.at(application).glob("lib/python*/site-packages"))
    for pattern in DEAD:
        found = list(packages.glob(pattern))
        if not found:
            sys.exit(f"assemble: nothing matches {pattern} any more: take it off the list")
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for command in root.at(application / "bin").iterdir():
        if not command.name.startswith(("python", "secret-refresher")):
            command.unlink()


def _compile(root: Root, application: Path) -> None:
    """Byte code for the modules that are used, bound to the source's hash and never checked.

    The root is read-only, so that without it every start would compile anew. A hash instead of
    a time stamp makes two builds of one source equal; only what is used, since all of the
    standard library would be a third of the image.
    """
    python = str(application / "bin/python")
    listed = _run("chroot", str(root.path), python, "-B", "-c", LISTING, *LAZY)
    for name in sorted({os.path.realpath(line) for line in listed.split() if line}):
        inside = Path(name)
        if inside.suffix == ".py" and root.at(inside).exists():
            made = py_compile.compile(
                str(root.at(inside)),
                dfile=name,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
            Path(str(made)).chmod(0o644)


def _lay_open(root: Root) -> None:
    """Anybody may read all of it, nobody but root may write; `/tmp` is as everywhere."""
    for folder, folders, files in os.walk(root.path):
        for path in (Path(folder), *(Path(folder, name) for name in (*folders, *files))):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
    root.at(Path(TEMPORARY)).chmod(0o1777)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"assemble: {command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Root(Path(sys.argv[2])))
