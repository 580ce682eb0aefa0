"""The Dockerfile's steps in a folder, by an ordinary user; what they make, sealed like a container.

That is: no root, no rights, and nothing to write but what it is given.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaign_monitor_assets_tests.deploy.files import DEPLOY, ROOT

USER = 10001
_PLACES = ("/opt/campaign-monitor", "/opt/dagster", "/etc/campaign-monitor", "/build", "/scratch")
"""The folders of the image that its steps make."""
_WRITABLE = ("/tmp", "/scratch")
_PYTHONS = ("/usr/bin/python3", shutil.which("python3") or "python3")

_SEAL = """
set -e
mount --make-rprivate /
while read -r _ place _; do
    case $place in /proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$place" ;; esac
done </proc/self/mounts
for place in $WRITABLE; do mount -t tmpfs -o mode=1777 tmpfs "$place"; done
unset WRITABLE
exec "$@"
"""
"""All that is mounted becomes read-only, in a name space of its own, but for two memory disks."""


def can_seal() -> bool:
    """Whether this machine lets the tests mount, and change the user."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@dataclass(frozen=True)
class Image:
    """What the Dockerfile's steps made.

    Attributes:
        folder: Stands for the root of the image's file system.
        environment: The variables that it sets.
        command: What a container does by itself.
        user: Whom the Dockerfile names.
    """

    folder: Path
    environment: Mapping[str, str]
    command: Sequence[str]
    user: str

    def placed(self, text: str) -> str:
        """A text with the image's places in the folder."""
        return _placed(text, self.folder)

    def sealed(self, *command: str) -> list[str]:
        """The command line that does a command as a container would."""
        user = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
        user += ["--inh-caps=-all", "--bounding-set=-all"]
        writable = " ".join(str(self.folder / place[1:]) for place in _WRITABLE)
        return [
            *(
                "unshare",
                "--mount",
                "--",
                "env",
                f"WRITABLE={writable}",
                "bash",
                "-c",
                _SEAL,
                "bash",
            ),
            *("setpriv", *user, "--", *map(self.placed, command)),
        ]

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a process in the image."""
        return {**self.environment, **given}


def _placed(text: str, folder: Path) -> str:
    for place in _PLACES:
        text = re.sub(rf"(?<![\w.]){place}(?![\w-])", f"{folder}{place}", text)
    return text


@contextmanager
def built() -> Iterator[Image]:
    """Does the Dockerfile's steps, by an ordinary user where the tests are root's."""
    # Not a folder of pytest's: those are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="image-", dir="/var/tmp"))
    try:
        for place in (*_PLACES, "/tmp", "/bin", "/context"):
            (folder / place[1:]).parent.mkdir(parents=True, exist_ok=True)
        for place in ("/tmp", "/bin", "/opt", "/etc"):
            (folder / place[1:]).mkdir(exist_ok=True)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, USER, USER)
        yield _build(folder)
    finally:
        shutil.rmtree(folder)


def _build(folder: Path) -> Image:
    (folder / "bin" / "python").symlink_to(next(each for each in _PYTHONS if _usable(each)))
    base = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder / "tmp")}
    # Where pip finds packages is this machine's affair.
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    building = _Building(folder, base, pip)
    for word, rest in _instructions():
        building.steps[word](rest)
    return Image(
        folder, {**building.environment, "HOME": base["HOME"]}, building.command, building.user
    )


@dataclass
class _Building:
    """Does each instruction of the Dockerfile; a method for each."""

    folder: Path
    base: Mapping[str, str]
    pip: Mapping[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    at: Path = Path("/")
    command: list[str] = field(default_factory=list)
    user: str = ""

    @property
    def steps(self) -> dict[str, Callable[[str], None]]:
        """What does an instruction."""
        return {
            "ARG": self.arg,
            "CMD": self.cmd,
            "COPY": self.copy,
            "ENV": self.env,
            "EXPOSE": self.expose,
            "FROM": self.stage,
            "RUN": self.run,
            "USER": self.name_user,
            "WORKDIR": self.workdir,
        }

    def arg(self, rest: str) -> None:
        assert rest.startswith("PYTHON=")

    def expose(self, rest: str) -> None:
        assert rest

    def stage(self, rest: str) -> None:
        assert rest.startswith("python:")
        self.environment, self.at = dict(self.base), self.folder

    def workdir(self, rest: str) -> None:
        self.at = Path(_placed(rest, self.folder))
        self.do("mkdir", "-p", str(self.at))

    def run(self, rest: str) -> None:
        self.do("sh", "-e", "-c", _placed(rest, self.folder))

    def env(self, rest: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            placed = _placed(value, self.folder)
            self.environment[name] = placed.replace("$PATH", self.environment["PATH"])

    def cmd(self, rest: str) -> None:
        self.command = re.findall(r'"([^"]*)"', rest)

    def name_user(self, rest: str) -> None:
        self.user = rest

    def copy(self, rest: str) -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from"):
            # Both stages are in one folder.
            assert sources[1] == target
            return
        place = Path(_placed(target, self.folder)) if target.startswith("/") else self.at / target
        place = place if len(sources) > 1 or target.endswith("/") else place.parent
        self.do("mkdir", "-p", str(place))
        for source in sources:
            self.do("cp", "-R", str(ROOT / source), f"{place}/")

    def do(self, *command: str) -> None:
        done = subprocess.run(
            [*_user(), *command],
            cwd=self.at if self.at.exists() else self.folder,
            env={**self.environment, **self.pip},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def _instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line:
            word, _, rest = line.partition(" ")
            yield word, rest


def _usable(python: str) -> bool:
    tried = subprocess.run(
        [*_user(), python, "-c", "import venv, ensurepip"], capture_output=True, check=False
    )
    return tried.returncode == 0


def _user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"]
