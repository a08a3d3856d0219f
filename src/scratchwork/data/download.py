"""Fetching a file from the first mirror that has the right one, and leaving nothing else behind."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ..errors import DownloadError, FileFormatError, MissingDependencyError
from .reading import as_path, open_binary

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called as progress(file name, bytes so far, bytes in all or 0 where the server does not say)."""

QUIET_SECONDS = 2.0
"""A download that is shorter than this shows nothing."""


def cache_folder() -> Path:
    """Where downloads are kept: the user's cache folder of this system, and `scratchwork` in it."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = os.environ.get("XDG_CACHE_HOME") or "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "scratchwork"


def data_places(data_dir: str | os.PathLike[str] | None, name: str) -> list[Path]:
    """Where a set is looked for, in order: `data_dir`, $SCRATCHWORK_DATA, the cache folder; in each, a folder `name` too."""
    roots = [] if data_dir is None else [as_path(data_dir)]
    if os.environ.get("SCRATCHWORK_DATA"):
        roots.append(as_path(os.environ["SCRATCHWORK_DATA"]))
    return [place for root in [*roots, cache_folder()] for place in (root, root / name)]


def content_sha256(path: Path, size: int) -> str | None:
    """SHA-256 of what the file holds, unpacked where it is a gzip file; None where that is not exactly `size` bytes.

    The content is checked and not the packed file, because the same content is packed differently from mirror to mirror, and
    some servers unpack it on the way. No more than `size` bytes and one chunk are unpacked.
    """
    import hashlib

    digest, seen = hashlib.sha256(), 0
    with open_binary(path, unzip=True) as file:
        while seen <= size and (chunk := file.read(1 << 20)):
            digest.update(chunk)
            seen += len(chunk)
    return digest.hexdigest() if seen == size else None


def fetch(name: str, mirrors: Sequence[str], folder: Path, *, sha256: str, size: int, progress: bool | Progress = True) -> Path:
    """Download the file `name` from the first of `mirrors` that has the right one, and return where it lies in `folder`.

    The file is written beside its place, checked, and only then renamed: an interrupted or wrong download leaves nothing.

    Parameters
    ----------
    name : str
        The name of the file, at the mirrors and in the folder.
    mirrors : addresses
        Each ends with a slash; they are tried in order.
    sha256, size
        The checksum and the number of bytes of the unpacked content.
    progress : bool or function
        True draws a line on the terminal when it takes longer than two seconds; a function is called with
        (name, bytes so far, bytes in all).

    Raises
    ------
    DownloadError
        When no mirror has the right file; the message says what happened at each.
    MissingDependencyError
        When pooch is not installed.
    """
    import secrets

    new_folder = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"the folder {folder} for {name} cannot be made: {error.strerror or error}") from None
    failures = []
    try:
        for mirror in mirrors:
            beside = folder / f".{name}.{os.getpid()}-{secrets.token_hex(4)}.part"
            try:
                with open(beside, "xb") as file:
                    _download(mirror + name, _Meter(file, name, most=2 * size + (1 << 16), progress=progress))
                _check(beside, sha256, size)
                os.replace(beside, folder / name)
                return folder / name
            except DownloadError as error:
                failures.append(f"{mirror}: {error}")
            finally:
                with contextlib.suppress(OSError):
                    beside.unlink()
    except OSError as error:
        raise DownloadError(f"{name} cannot be written to {folder}: {error.strerror or error}") from None
    finally:
        if new_folder:
            with contextlib.suppress(OSError):  # it is not empty where all went well
                folder.rmdir()
    raise DownloadError(
        f"{name} could not be downloaded ({'; '.join(failures)}): try again later, or put the file into {folder} yourself"
    )


def _download(address: str, meter: "_Meter") -> None:
    """Write what is at the address to the meter, or raise DownloadError with the reason."""
    try:
        import pooch
        import requests
    except ImportError:
        raise MissingDependencyError("downloading needs pooch: pip install 'scratchwork[data]'") from None
    answers: list[requests.Response] = []

    def remember(answer: requests.Response, **_: object) -> None:
        answers.append(answer)

    try:
        pooch.HTTPDownloader(progressbar=meter, chunk_size=1 << 16, hooks={"response": remember})(address, meter, None)
        meter.finish()
    except requests.HTTPError:
        raise DownloadError(f"the server answers {answers[-1].status_code} {answers[-1].reason}") from None
    except requests.Timeout:
        raise DownloadError("no answer in time") from None
    except requests.exceptions.ChunkedEncodingError:
        raise DownloadError("the connection was cut") from None
    except requests.exceptions.SSLError:
        raise DownloadError("its certificate is not trusted") from None
    except requests.ConnectionError:
        raise DownloadError("no connection") from None
    except requests.RequestException as error:
        raise DownloadError(str(error)) from None
    finally:
        for answer in answers:  # pooch leaves the connection open when something goes wrong
            answer.close()


def _check(path: Path, sha256: str, size: int) -> None:
    try:
        right = content_sha256(path, size) == sha256
    except FileFormatError:
        raise DownloadError("what came is damaged or cut off") from None
    if not right:
        raise DownloadError("what came has the wrong checksum")


class _Meter:
    """The file that is written to and the progress bar in one, as pooch wants them: it counts, tells and sets a limit."""

    def __init__(self, file: BinaryIO, name: str, most: int, progress: bool | Progress) -> None:
        self.file, self.name, self.most = file, name, most
        self.tell = _terminal_line if progress is True else progress or None
        self.patience = 0.0 if callable(progress) else QUIET_SECONDS
        self.start = self.told = time.monotonic()
        self.total = self.seen = 0  # pooch sets the total once the server has said it
        self.shown = False

    def write(self, chunk: bytes) -> int:
        self.seen += len(chunk)
        if self.seen > self.most:
            raise DownloadError("what comes is far larger than the file should be")
        now = time.monotonic()
        if self.tell is not None and now - self.start >= self.patience and now - self.told >= min(self.patience, 0.1):
            self.told, self.shown = now, True
            self.tell(self.name, self.seen, self.total)
        return self.file.write(chunk)

    def flush(self) -> None:
        """Nothing: pooch would flush after every chunk."""

    def update(self, count: int) -> None:
        """Nothing: pooch adds up the size of its chunks here, `write` knows how long they are."""

    def reset(self) -> None:
        """Nothing: pooch calls it at the end of a file."""

    def close(self) -> None:
        """Nothing: the file is closed by who opened it."""

    def finish(self) -> None:
        """Tell that all is there."""
        if self.tell is not None and (self.shown or self.patience == 0):
            self.tell(self.name, self.seen, self.seen)
        if self.shown and self.tell is _terminal_line and sys.stderr.isatty():
            sys.stderr.write("\n")


def _terminal_line(name: str, seen: int, total: int) -> None:
    """`train-images-idx3-ubyte.gz  3.1 of 9.9 MB`, drawn over itself on a terminal, and not at all elsewhere."""
    if sys.stderr.isatty():
        of = f" of {total / 1e6:.1f}" if total else ""
        sys.stderr.write(f"\r{name}  {seen / 1e6:.1f}{of} MB ")
        sys.stderr.flush()
