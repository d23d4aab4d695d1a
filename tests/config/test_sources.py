"""Configuration from real files, folders and mounts, and from the environment."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from secret_refresher.adapters.config_files import ConfigSource, resolve
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config
from secret_refresher.config.problems import ConfigError
from secret_refresher.errors import Fault, Reason

Load = Callable[[str], Config]
Refuse = Callable[[str], list[str]]
NOBODY = 65534


def one(name: str) -> str:
    """A configuration of one token."""
    return f"tokens: [{{name: {name}, tokenUrl: 'https://x/', sinks: [{{file: }}]}}]\n"


def source(path: Path) -> ConfigSource:
    """What is at a path."""
    return ConfigSource(MountReader(), path=str(path), text=None)


def names(path: Path) -> list[str]:
    """The names of the tokens there."""
    return [token.name for token in source(path).load().config.tokens]


def refused(path: Path) -> str:
    """The problems there."""
    with pytest.raises(ConfigError) as error:
        source(path).load()
    return str(error.value)


def mount(folder: Path, generation: str, files: Mapping[str, str]) -> None:
    """Puts a generation in force, as the kubelet's AtomicWriter does."""
    (folder / generation).mkdir(parents=True)
    for name, text in files.items():
        (folder / generation / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(generation)
    (folder / "..data_tmp").rename(folder / "..data")
    for name in os.listdir(folder):
        if not name.startswith("..") and name not in files:
            (folder / name).unlink()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads everything; so the rest is done as somebody who is not."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if mine == 0:
            os.seteuid(mine)


# --- where it is -----------------------------------------------------------------------------


def test_each_of_the_three_ways() -> None:
    """The argument, the variable with a path, and the variable with the text are understood."""
    assert resolve("/a", {}) == ("/a", None)
    assert resolve(None, {"SECRET_REFRESHER_CONFIG": "/b"}) == ("/b", None)
    assert resolve(None, {"SECRET_REFRESHER_CONFIG_YAML": "tokens: []"}) == (None, "tokens: []")
    assert resolve("/a", {"SECRET_REFRESHER_CONFIG": "", "SECRET_REFRESHER_CONFIG_YAML": ""}) == (
        "/a",
        None,
    )


@pytest.mark.parametrize(
    ("argument", "environ", "told"),
    [
        ("/a", {"SECRET_REFRESHER_CONFIG": "/b"}, "--config and SECRET_REFRESHER_CONFIG are set"),
        (
            "/a",
            {"SECRET_REFRESHER_CONFIG_YAML": "hunter2"},
            "--config and SECRET_REFRESHER_CONFIG_YAML are set",
        ),
        (
            None,
            {"SECRET_REFRESHER_CONFIG": "/b", "SECRET_REFRESHER_CONFIG_YAML": "hunter2"},
            "SECRET_REFRESHER_CONFIG and SECRET_REFRESHER_CONFIG_YAML are set",
        ),
        (None, {}, "use --config PATH, SECRET_REFRESHER_CONFIG (a path) or SECRET_REFRESHER_CON"),
    ],
)
def test_exactly_one_of_them(argument: str | None, environ: dict[str, str], told: str) -> None:
    """None or several of the ways are refused, without a word of the text."""
    with pytest.raises(ConfigError) as error:
        resolve(argument, environ)
    assert told in str(error.value)
    assert "hunter2" not in str(error.value)


# --- files and folders -----------------------------------------------------------------------


def test_a_file(tmp_path: Path) -> None:
    """A file is read whatever its name is."""
    (tmp_path / "conf").write_text(one("a"))
    assert names(tmp_path / "conf") == ["a"]


def test_a_path_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path works, and problems name it as it was given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf.yaml").write_text("x: 1")
    with pytest.raises(ConfigError) as error:
        source(Path("conf.yaml")).load()
    assert str(error.value).startswith("conf.yaml: x: is not known")


def test_a_folder_in_name_order(tmp_path: Path) -> None:
    """A folder's YAML files are put together in name order; other files are none of ours."""
    for file, token in [("20.yaml", "b"), ("10.yaml", "c"), ("3.yaml", "a")]:
        (tmp_path / file).write_text(one(token))
    (tmp_path / "README").write_text("{")
    (tmp_path / ".10.yaml.swp.yaml").write_text("{")
    assert names(tmp_path) == ["c", "b", "a"]


def test_every_file_s_problems(tmp_path: Path) -> None:
    """Problems of all files come together, each with its file."""
    (tmp_path / "a.yaml").write_text("tokens: [")
    (tmp_path / "b.yaml").write_text(one("B"))
    (tmp_path / "c.yaml").mkdir()
    lines = refused(tmp_path).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        str(tmp_path / name) for name in ("a.yaml", "c.yaml", "b.yaml")
    ]


def test_a_mount(tmp_path: Path) -> None:
    """A mounted ConfigMap is read as one generation, and a swap is noticed."""
    mount(tmp_path, "..1", {"a.yaml": one("a"), "b.yaml": one("b")})
    watched = source(tmp_path)
    before = watched.load()
    assert [token.name for token in before.config.tokens] == ["a", "b"]
    assert watched.digest() == before.digest
    mount(tmp_path, "..2", {"b.yaml": one("d"), "c.yaml": one("c")})
    assert watched.digest() != before.digest
    assert names(tmp_path) == ["d", "c"]


def test_a_swap_between_listing_and_reading(tmp_path: Path) -> None:
    """A file that a swap takes away while the folder is read is no problem."""
    mount(tmp_path, "..1", {"a.yaml": one("a"), "b.yaml": one("b")})

    class Swapping:
        """Reads after a swap, the first time."""

        def __init__(self) -> None:
            self.swapped = False

        def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
            """As the mount is by then."""
            if not self.swapped:
                self.swapped = True
                mount(tmp_path, "..2", {"b.yaml": one("b"), "c.yaml": one("c")})
            return MountReader().read(paths)

    swapped = ConfigSource(Swapping(), path=str(tmp_path), text=None)
    assert [token.name for token in swapped.load().config.tokens] == ["b", "c"]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (str, "does not exist; mount the ConfigMap there, or correct the path"),
        (lambda path: path.mkdir(), "holds no *.yaml; mount the ConfigMap there"),
        (
            lambda path: (path.mkdir(), (path / "x.yml").touch()),
            "or rename x.yml to end with .yaml",
        ),
        (lambda path: path.touch(), "is empty; write tokens: and below it the first token"),
        (lambda path: path.write_bytes(b"a: 1\nb: \xe4"), "line 2: is not UTF-8"),
        (os.mkfifo, "is not a file; name a file"),
    ],
    ids=["missing", "empty folder", "yml", "empty", "latin-1", "pipe"],
)
def test_what_cannot_be_read(tmp_path: Path, make: Callable[[Path], object], told: str) -> None:
    """Whatever stands at the path, the problem names the path once and the remedy."""
    path = tmp_path / "config"
    make(path)
    text = refused(path)
    assert text.startswith(f"{path}: ")
    assert text.count(str(path)) == 1
    assert told in text


@pytest.mark.parametrize("folder", [False, True])
def test_what_may_not_be_read(tmp_path: Path, *, folder: bool) -> None:
    """A file or folder that is closed to this user is told so."""
    path = tmp_path / "config"
    if folder:
        path.mkdir()
    else:
        path.write_text(one("a"))
    path.chmod(0)
    try:
        with as_nobody():
            told = refused(path)
            assert source(path).digest() == source(path).digest()
    finally:
        path.chmod(0o700)
    assert "cannot be read by this user" in told


def test_more_than_sixteen_mebibytes(tmp_path: Path) -> None:
    """A text beyond all reason is refused before anything is made of it."""
    (tmp_path / "c.yaml").write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    big = ConfigSource(MountReader(2**30), path=str(tmp_path / "c.yaml"), text=None)
    with pytest.raises(ConfigError, match="is larger than 16777216 bytes; put tokens into several"):
        big.load()
    assert "is larger than" in refused(tmp_path / "c.yaml")


def test_a_reader_s_fault_is_passed_on() -> None:
    """A fault that has no sentence of its own here keeps its own."""

    class Broken:
        """A volume that fails."""

        def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
            """Nothing but trouble."""
            fault = Fault(Reason.IO, f"cannot read {paths[0]}: I/O error", "look", code="EIO")
            return dict.fromkeys(paths, fault)

    broken = ConfigSource(Broken(), path="/c", text=None)
    with pytest.raises(ConfigError, match="/c: cannot read /c: I/O error; look"):
        broken.load()
    assert broken.digest() == broken.digest()


def test_the_digest_tells_contents_apart(tmp_path: Path) -> None:
    """Every change is noticed: of content, of a file's name, of there being nothing to read."""
    path = tmp_path / "c"
    watched = source(path)
    seen = {watched.digest()}
    path.write_text(one("a"))
    seen.add(watched.digest())
    path.write_text(one("b"))
    seen.add(watched.digest())
    path.unlink()
    path.mkdir()
    seen.add(watched.digest())
    (path / "a.yaml").write_text(one("a"))
    seen.add(watched.digest())
    (path / "a.yaml").rename(path / "b.yaml")
    seen.add(watched.digest())
    assert len(seen) == 6


# --- YAML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("~", "is empty"),
        ("tokens:\n- name: a\n  name: b\n", 'line 3, column 3: has the key "name" again'),
        ("{log: {}, 'log': {}}", 'line 1, column 11: has the key "log" again'),
        ("log: {}\n---\nlog: {}\n", "line 2, column 1: begins a second document"),
        ("log:\n\tlevel: info\n", "line 2, column 1: is indented with a tab"),
        ("log: @info\n", "line 1, column 6: begins with a sign that YAML keeps for itself"),
        ("log: {level: info\n", "line 2, column 1: is not YAML; look at indentation"),
        ("log: level: info\n", "line 1, column 11: is not YAML"),
        ("log: 'x\n", "line 2, column 1: is not YAML"),
        ("log: \0", "holds a control character"),
        ("log: *x\n", "line 1, column 6: is an alias, and no anchor of that name"),
        ("log: &x [*x]\n", "line 1, column 10: is an alias, and no anchor of that name"),
        ("x: &x 1\nlog: &x [*x]\n", "line 2, column 10: is an alias, and no anchor of that name"),
        ("log: !!python/object/apply:os.getcwd []\n", "line 1, column 6: is no plain value"),
        ("log: !!binary aGk=\n", "line 1, column 6: is no plain value"),
        ("log: =\n", "line 1, column 6: is no plain value"),
        ("log: 2024-13-01\n", "line 1, column 6: is a date that does not exist"),
        (f"log: {'9' * 5000}\n", "line 1, column 6: is a date that does not exist, or a number"),
        (f"log: {'1:' * 3000}1\n", "line 1, column 6: is a date that does not exist, or a number"),
        ("? [a]\n: b\n", "line 1, column 5: must be a text, for it is a key"),
        ("log: {<<: 5}\n", "line 1, column 11: must be a mapping or a list of them, after <<"),
    ],
)
def test_wrong_yaml(refuse: Refuse, text: str, told: str) -> None:
    """What is no plain YAML is one problem with line and column."""
    (problem,) = refuse(text)
    assert problem.removeprefix(": ").startswith(told)


def test_several_mistakes_of_yaml_at_once(refuse: Refuse) -> None:
    """Equal keys and tags do not end the reading, so all of them are told."""
    found = refuse("log: {level: a, level: b}\nlog: !x c\nserver: 2024-02-30\n")
    assert [problem.partition(":")[0] for problem in found] == [
        "line 1, column 17",
        "line 2, column 1",
        "line 2, column 6",
        "line 3, column 9",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "password: 'hunter2-Zx9",
        "- hunter2-Zx9\nx: y",
        "a: hunter2-Zx9: b",
        "a: *hunter2-Zx9",
        "a: @hunter2-Zx9",
        "a: !hunter2-Zx9 b",
        "a: {b: hunter2-Zx9, ]",
        "%hunter2-Zx9\n",
        "a: hunter2-Zx9\n\tb",
        "hunter2-Zx9",
        "- hunter2-Zx9",
    ],
)
def test_yaml_is_not_quoted(refuse: Refuse, text: str) -> None:
    """A message about YAML holds nothing of the text: it could be a secret."""
    assert "hunter2" not in "".join(refuse(text))


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? ", "a: [", "!!seq ["])
@pytest.mark.parametrize("count", [65, 500_000])
def test_endless_nesting(refuse: Refuse, piece: str, count: int) -> None:
    """A text that nests without end is refused; it neither hangs the process nor crashes it."""
    begin = time.monotonic()
    assert any("nests deeper than 64 levels" in told for told in refuse(piece * count))
    assert time.monotonic() - begin < 20


def test_aliases_that_stand_for_billions(refuse: Refuse) -> None:
    """A few lines of aliases of aliases are counted written out, and refused at once."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 12)]
    begin = time.monotonic()
    (told,) = refuse("\n".join(lines))
    assert "stands for more than 2000000 values" in told
    assert time.monotonic() - begin < 20


def test_merges_that_stand_for_billions(refuse: Refuse) -> None:
    """The same by merging mappings."""
    lines = ["l0: &l0 {a: 1, b: 2, c: 3}"]
    lines += [f"l{i}: &l{i} {{<<: [{', '.join([f'*l{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    begin = time.monotonic()
    (told,) = refuse("\n".join(lines))
    assert "stands for more than 2000000 values" in told
    assert time.monotonic() - begin < 20


def test_aliases_that_nest_deeper_at_each_line(refuse: Refuse) -> None:
    """Depth is counted through aliases, too."""
    lines = ["l0: &l0 [x]", *(f"l{i}: &l{i} [*l{i - 1}]" for i in range(1, 100))]
    assert any("nests deeper than 64 levels" in told for told in refuse("\n".join(lines)))


def test_aliases_and_merges(load: Load) -> None:
    """Anchors, aliases and merges work; what a mapping says itself wins, then the first merged."""
    config = load(
        "defaults: &d\n"
        "  tokenUrl: https://x/\n"
        "  refresh: &r {at: 0.8, jitter: 0.2}\n"
        "tokens:\n"
        "  - <<: *d\n"
        "    name: a\n"
        "    refresh: {<<: [{at: 0.9}, *r], jitter: 0.1}\n"
        "    sinks: &s [{file: }]\n"
        "  - {name: b, sinks: *s, request: {headers: {X: <<}}}\n"
    )
    assert (config.tokens[0].refresh.at, config.tokens[0].refresh.jitter) == (0.9, 0.1)
    assert (config.tokens[1].refresh.at, config.tokens[1].refresh.jitter) == (0.8, 0.2)
    assert dict(config.tokens[1].request.headers) == {"X": "<<"}


def test_a_merge_in_quotes_is_none(load: Load) -> None:
    """Only the bare sign `<<` merges."""
    config = load(one("a").replace("}]\n", ", request: {parameters: {'<<': x}}}]"))
    assert dict(config.tokens[0].request.parameters) == {"<<": "x"}


def test_a_merge_does_not_make_a_key_stand_twice(load: Load) -> None:
    """A mapping that overrides what it merges can itself be merged."""
    config = load(
        "defaults: {refresh: &a {<<: {at: 0.6}, at: 0.8}, tokenUrl: 'https://x/'}\n"
        "tokens: [{name: a, refresh: {<<: *a}, sinks: [{file: }]}]"
    )
    assert config.tokens[0].refresh.at == 0.8


def test_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    (tmp_path / "c").write_bytes(b"\xef\xbb\xbf" + one("a").encode())
    assert names(tmp_path / "c") == ["a"]


def test_text_that_is_no_utf_8(refuse: Refuse) -> None:
    """The environment may hold any bytes."""
    (problem,) = refuse(b"log: \xff".decode("utf-8", "surrogateescape"))
    assert problem == "line 1: is not UTF-8; save the file as UTF-8"
