"""Whole files or none: written beside the target, flushed to the disk, then renamed over it.

A rename within one folder is one step for the operating system. So whoever reads the target finds the old file or the
new one, never a half; and a crash, a full disk or Ctrl-C in the middle costs the new file only.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, MissingFileError, StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or write to another place",
    errno.EDQUOT: "the disk quota is used up; free some space or write to another place",
    errno.EFBIG: "the file would be larger than is allowed there; write to another place",
    errno.EACCES: "there is no permission for it; choose another place or change the permissions",
    errno.EPERM: "there is no permission for it; choose another place or change the permissions",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.EIO: "the disk reports an input/output error; check it and write to another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends well it becomes `path`, otherwise it is removed.

    The temporary file exists, empty, and lies in the same folder (a rename across disks would be a copy). It keeps the
    suffix of `path`, because some writers choose the format by it. Permissions are those of the file that is replaced,
    or what the umask says for a new one; a symbolic link stays a link and the file it points to is replaced.

    Parameters
    ----------
    path : str or path
        Where the file should end up. Its folder must exist.

    Raises
    ------
    MissingFileError
        The folder of `path` is not there.
    StorageError
        `path` is a folder, a device or write-protected; the folder cannot be written to; the disk is full. What was at
        `path` before is untouched. `errno` is that of the operating system's error where there was one.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "words.txt") as temporary:
    ...     _ = temporary.write_text("one two")
    >>> [(file.name, file.read_text()) for file in folder.iterdir()]
    [('words.txt', 'one two')]
    """
    if "\0" in str(path):
        raise StorageError(f"cannot write {str(path)!r}: no name holds a zero byte; choose another one")
    target = Path(os.path.realpath(path))
    permissions = _checked_permissions(target)
    # The suffix is kept, the rest of the name is not: a name of the greatest length would have no room for more.
    temporary = target.with_name(f".unfinished-{os.urandom(6).hex()}{target.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if permissions is not None:
            temporary.chmod(permissions)
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    except OSError as problem:
        if problem.errno in _REASONS and problem.filename in (None, str(temporary), os.fsencode(temporary)):
            raise _storage_error(target, problem) from problem
        raise
    finally:  # also after Ctrl-C; once the file is renamed there is nothing left to remove
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    flush_folder(target.parent)


def atomic_write_bytes(path: str | os.PathLike[str], content: bytes | bytearray | memoryview) -> None:
    """Write these bytes as the whole file `path`; errors as in `atomic_write`."""
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def atomic_write_text(path: str | os.PathLike[str], content: str) -> None:
    """Write this text as the whole file `path`: UTF-8, line ends as they are; errors as in `atomic_write`."""
    atomic_write_bytes(path, content.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON; NumPy numbers and arrays become plain numbers and lists, paths become text.

    Raises DataError, before any file is touched, for what JSON cannot hold: NaN, infinities, objects of other kinds.
    """
    atomic_write_text(path, to_json(value, indent=2) + "\n")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON text, strictly by the standard; on one line where `indent` is None, as JSON lines want it.

    >>> to_json({"loss": np.float32(0.5), "shape": (2, 3)})
    '{"loss": 0.5, "shape": [2, 3]}'
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as problem:
        raise DataError(f"cannot be written as JSON: {problem}") from problem


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"an object of type {type(value).__name__}")


def _checked_permissions(target: Path) -> int | None:
    """The permission bits of the regular file that is to be replaced, None where there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise MissingFileError(f"cannot write {target}: the folder {target.parent} is not there; create it first") from None
        return None
    except NotADirectoryError:
        raise StorageError(f"cannot write {target}: {target.parent} is not a folder; choose another place") from None
    except OSError as problem:
        raise _storage_error(target, problem) from problem
    if stat.S_ISDIR(mode):
        raise StorageError(f"cannot write {target}: it is a folder; give the name of a file")
    if not stat.S_ISREG(mode):  # a rename would put a plain file in the place of /dev/null
        raise StorageError(f"cannot write {target}: it is a device or a pipe and not a file; give the name of a file")
    if not os.access(target, os.W_OK):  # a rename would go through, but somebody has protected the file on purpose
        raise StorageError(f"cannot write {target}: the file is write-protected; give another name or remove it first")
    return stat.S_IMODE(mode)


def _storage_error(target: Path, problem: OSError) -> StorageError:
    reason = _REASONS.get(problem.errno or 0, str(problem.strerror or problem))
    error = StorageError(f"cannot write {target}: {reason}")
    error.errno = problem.errno
    return error


def _flush(path: Path) -> None:
    """Wait until the content is on the disk: a rename may reach it before the bytes do, and a power cut would show that."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the rename itself lasting where the system allows it; the new file is whole and in place either way."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
