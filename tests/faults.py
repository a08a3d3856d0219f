"""A disk that fails on demand: the n-th operation in a folder is refused, or stops half-way, or the power goes with it."""

import builtins
import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scratchwork.storage import files

REFUSALS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
WAYS = ("ENOSPC", "EIO", "half", "full from then on", "power cut", "power cut, renames lost")
CUT = 99  # the exit status of a process whose power went


class Disk:
    """Counts what is done to files below a folder, and lets operation number `fails_at` (from 0) fail in one of the WAYS.

    half                      a write writes half of its bytes, and then the disk is full (other operations are refused)
    full from then on         ENOSPC, and so does everything after it
    power cut                 the process ends there; files that were not flushed keep half of their bytes
    power cut, renames lost   and renames are undone where their folder was not flushed since
    """

    def __init__(self, folder: Path, fails_at: int | None = None, way: str = "ENOSPC") -> None:
        self.folder, self.fails_at, self.way = os.path.realpath(folder), fails_at, way
        self.done: list[str] = []  # the operations, by name
        self.paths: dict[int, str] = {}  # of open files
        self.unflushed: set[str] = set()
        self.renames: list[tuple[str, str, bytes | None]] = []  # (from, to, what was there)

    def mine(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.path.realpath(path).startswith(self.folder)

    def count(self, name: str) -> bool:
        """Count an operation; True where a write should stop half-way. Raises, or ends the process, where it should fail."""
        number = len(self.done)
        self.done.append(name)
        after = self.fails_at is not None and number > self.fails_at and self.way == "full from then on"
        if number != self.fails_at and not after:
            return False
        if self.way.startswith("power") and name != "write":
            self.cut_power()
        if name == "write" and (self.way == "half" or self.way.startswith("power")):
            return True
        number = REFUSALS.get(self.way, errno.ENOSPC)
        raise OSError(number, os.strerror(number))

    def cut_power(self) -> None:
        for path in self.unflushed:
            with contextlib.suppress(OSError):
                os.truncate(path, os.path.getsize(path) // 2)
        if self.way.endswith("lost"):
            for _, target, before in reversed(self.renames):
                if before is None:
                    os.remove(target)
                else:
                    Path(target).write_bytes(before)
        os._exit(CUT)

    @contextlib.contextmanager
    def at_work(self) -> Iterator["Disk"]:
        """While this lasts, the library meets this disk."""
        real = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink", "mkdir")}

        def opened(path: Any, flags: int, *more: Any, **settings: Any) -> int:
            if self.mine(path):
                self.count("create" if flags & os.O_CREAT else "open")
            descriptor = real["open"](path, flags, *more, **settings)
            self.paths[descriptor] = os.path.realpath(path) if self.mine(path) else ""
            return int(descriptor)

        def flushed(descriptor: int) -> None:
            path = self.paths.get(descriptor, "")
            if path:
                self.count("fsync")
            real["fsync"](descriptor) if not path else None
            self.unflushed.discard(path)
            self.renames = [one for one in self.renames if os.path.dirname(one[1]) != path]

        def replaced(source: Any, target: Any) -> None:
            if self.mine(target):
                self.count("replace")
                before = Path(target).read_bytes() if os.path.exists(target) else None
                self.renames.append((str(source), str(target), before))
                if str(source) in self.unflushed:
                    self.unflushed = self.unflushed - {str(source)} | {str(target)}
            real["replace"](source, target)

        def removed(path: Any, **settings: Any) -> None:
            if self.mine(path) and os.path.lexists(path):
                self.count("unlink")
            real["unlink"](path, **settings)

        def made(path: Any, *more: Any, **settings: Any) -> None:
            if self.mine(path):
                self.count("mkdir")
            real["mkdir"](path, *more, **settings)

        fakes = {"open": opened, "fsync": flushed, "replace": replaced, "unlink": removed, "mkdir": made}
        try:
            for name, fake in fakes.items():
                setattr(os, name, fake)
            files.open = self.opened_for_writing  # type: ignore[attr-defined]
            yield self
        finally:
            for name, own in real.items():
                setattr(os, name, own)
            del files.open  # type: ignore[attr-defined]

    def opened_for_writing(self, path: Any, mode: str = "r", **settings: Any) -> Any:
        """The `open` that the library calls to write a file."""
        file = builtins.open(path, mode, **settings)  # noqa: SIM115
        if not self.mine(path):
            return file
        disk, own = self, file.write

        class Failing:
            def write(self, content: Any) -> int:
                disk.unflushed.add(os.path.realpath(path))
                if disk.count("write"):
                    own(content[: len(content) // 2])
                    file.flush()
                    if disk.way.startswith("power"):
                        disk.cut_power()
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return int(own(content))

            def __enter__(self) -> "Failing":
                return self

            def __exit__(self, *error: Any) -> None:
                file.close()

        return Failing()


def in_a_process_of_its_own(work: Any) -> int:
    """The exit status of a forked process that calls `work`: 0 when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
