"""The steps of a Dockerfile, without Docker: every stage is a layer on this machine's files, in a mount namespace.

A command of ``RUN`` runs in the stage as its root folder. A container runs in the last stage, read-only, as the user of
``USER``. In place of a Python image, a stage has a virtual environment of the interpreter that runs this.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

__all__ = ["Image", "Stage", "stages_of"]

PYTHON = "/image-python"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("PIP_", "SSL_", "HTTP_", "HTTPS_", "http_", "https_")
"""Variables that pip and apt need to reach an index; those of a build, not of the image."""


@dataclass
class Stage:
    """A stage of a Dockerfile: its name, and its instructions after FROM."""

    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """Return the rest of the last instruction of a kind."""
        return [rest for name, rest in self.instructions if name == instruction][-1]


def stages_of(dockerfile: str) -> list[Stage]:
    """Return the stages of a Dockerfile, without comments and the arguments before the first stage."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.startswith("#"))
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            stages.append(Stage(rest.partition(" AS ")[2]))
        elif name and stages:
            stages[-1].instructions.append((name, rest.strip()))
    return stages


class Image:
    """What the steps of a Dockerfile build.

    Parameters
    ----------
    folder : Path
        Where the layers are, in the namespace.
    context : Path
        The folder that COPY copies from.
    arguments : dict of str to str
        Values of ARG.
    """

    def __init__(self, folder: Path, context: Path, arguments: Mapping[str, str]) -> None:
        self.folder, self.context, self.arguments = folder, context, arguments
        self.environment: dict[str, str] = {}
        self._declared: dict[str, str] = {}
        self.user, self.volume = "0", ""
        self._is_read_only = False
        holder = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo in && exec sleep infinity"]
        self._holder = subprocess.Popen(holder, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"in\n"
        folder.mkdir(parents=True)
        # In memory: thousands of files need not be removed one by one.
        self._in_namespace(["mount", "-t", "tmpfs", "tmpfs", str(folder)])

    def close(self) -> None:
        """End the namespace, and its mounts with it."""
        self._holder.kill()
        self._holder.communicate()

    def root(self, stage: Stage) -> Path:
        """Return where a stage is mounted, in the namespace."""
        return self.folder / (stage.name or "last") / "root"

    def build(self, stages: Sequence[Stage]) -> None:
        """Run the steps of all stages.

        Raises
        ------
        subprocess.CalledProcessError
            If one fails.
        """
        for stage in stages:
            self._mount(stage)
            self.environment = {"PATH": f"{PYTHON}/bin:{SYSTEM_PATH}", "HOME": "/root"}
            self._declared, self.user = {}, "0"
            self._in_namespace(["chroot", str(self.root(stage)), sys.executable, "-m", "venv", PYTHON])
            workdir = "/"
            for name, rest in stage.instructions:
                if name == "WORKDIR":
                    workdir = rest
                    self._in_namespace(["mkdir", "-p", f"{self.root(stage)}{workdir}"])
                elif name == "COPY":
                    self._copy(stages, rest, self.root(stage), workdir)
                elif name == "RUN":
                    self.run(stage, rest, workdir)
                else:
                    self._declare(name, rest)

    def run(self, stage: Stage, command: str, workdir: str = "/", **variables: str) -> None:
        """Run a command as RUN does."""
        environment = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        environment |= self._declared | self.environment | variables
        words = ["chroot", str(self.root(stage)), "sh", "-ec", f"cd {workdir} && {command}"]
        self._in_namespace(words, environment)

    def container(self, stage: Stage, command: Sequence[str], **variables: str) -> list[str]:
        """Return a call that runs a command in the last stage, read-only, with the entry point and as the user."""
        root, volume = self.folder / "read-only", self.folder / "volume"
        if not self._is_read_only:
            self._is_read_only = True
            self._in_namespace(["mkdir", str(root), str(volume)])
            self._in_namespace(["chown", self.user, str(volume)])
            self._in_namespace(["mount", "--bind", str(self.root(stage)), str(root)])
            self._in_namespace(["mount", "-o", "remount,bind,ro", str(root)])
            self._in_namespace(["mount", "--bind", str(volume), f"{root}{self.volume}"])
            self._in_namespace(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/tmp"])
            self._mount_system(root)
        settings = [f"{name}={value}" for name, value in (self.environment | variables).items()]
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--no-new-privs"]
        return [*self._enter(), "chroot", str(root), *user, "env", "-i", *settings, *command]

    def _declare(self, name: str, rest: str) -> None:
        """Keep what an instruction says about later steps and containers."""
        if name == "ENV":
            for word in shlex.split(rest):
                key, _, value = word.partition("=")
                self.environment[key] = Template(value).substitute(self.environment)
        elif name == "ARG":
            key, _, value = rest.partition("=")
            self._declared[key] = self.arguments.get(key, value)
        elif name == "USER":
            self.user = rest
        elif name == "VOLUME":
            self.volume = rest
        else:
            assert name in ("EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"), name

    def _copy(self, stages: Sequence[Stage], rest: str, root: Path, workdir: str) -> None:
        """Copy files, and the content of folders, as COPY does; links stay links, and root owns it all by default."""
        words = rest.split()
        sources, target = [word for word in words[:-1] if not word.startswith("--")], words[-1]
        named = [word.removeprefix("--from=") for word in words if word.startswith("--from=")]
        origin = str(self.context)
        if named:
            (origin,) = [str(self.root(stage)) for stage in stages if stage.name == named[0]]
        destination = f"{root}{target}" if target.startswith("/") else f"{root}{workdir}/{target}"
        for source in sources:
            path = f"{origin}/{source.strip('/')}"
            script = 'mkdir -p "$2" && if [ -d "$1" ]; then cp -a "$1/." "$2"; else cp -a "$1" "$2"; fi'
            self._in_namespace(["sh", "-c", script, "sh", path, destination])
        for owner in (word.removeprefix("--chown=") for word in words if word.startswith("--chown=")):
            self._in_namespace(["chown", "-R", owner, destination])

    def _mount(self, stage: Stage) -> None:
        folder = self.root(stage).parent
        self._in_namespace(["mkdir", "-p", *(str(folder / name) for name in ("upper", "work", "root"))])
        layers = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
        self._in_namespace(["mount", "-t", "overlay", "-o", layers, "overlay", str(folder / "root")])
        self._in_namespace(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{folder / 'root'}/tmp"])
        self._mount_system(folder / "root")
        for parent in Path(sys.base_prefix).parents:  # an interpreter of root alone is for all users of the image
            self._in_namespace(["chmod", "o+rx", f"{folder / 'root'}{parent}"])

    def _mount_system(self, root: Path) -> None:
        self._in_namespace(["mount", "--rbind", "/dev", f"{root}/dev"])
        self._in_namespace(["mount", "-t", "proc", "proc", f"{root}/proc"])

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self._holder.pid}", "--mount"]

    def _in_namespace(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        done = subprocess.run([*self._enter(), *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            output = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise subprocess.CalledProcessError(done.returncode, command, output, done.stderr)
