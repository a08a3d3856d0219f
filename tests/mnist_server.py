"""A small stand-in for MNIST and its mirrors: four files with few images, and a server on this machine."""

import gzip
import hashlib
import http.server
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from scratchwork.data import mnist


def small_files(seed: int = 0, train: int = 20, test: int = 10) -> dict[str, bytes]:
    """The four files by name without .gz, with 4×4 images."""
    rng = np.random.default_rng(seed)

    def images(n: int) -> bytes:
        return b"\0\0\x08\x03" + struct.pack(">3I", n, 4, 4) + rng.integers(0, 256, n * 16, dtype=np.uint8).tobytes()

    def labels(n: int) -> bytes:
        return b"\0\0\x08\x01" + struct.pack(">I", n) + (np.arange(n) % 10).astype(np.uint8).tobytes()

    contents = [images(train), labels(train), images(test), labels(test)]
    return {file.name: content for file, content in zip(mnist.FILES.values(), contents, strict=True)}


def stand_in(monkeypatch, contents: dict[str, bytes]) -> None:
    """Let `load_mnist` take these files for the real ones."""
    files = {
        key: mnist.MnistFile(file.name, hashlib.sha256(contents[file.name]).hexdigest(), len(contents[file.name]))
        for key, file in mnist.FILES.items()
    }
    monkeypatch.setattr(mnist, "FILES", files)


@dataclass
class Mirror:
    """What the server does: which content each path has, and how it misbehaves."""

    contents: dict[str, bytes]
    cut_after: int | None = None
    tell_length: bool = True
    asked: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            mirror.asked.append(self.path)
            content = mirror.contents.get(self.path.rsplit("/", 1)[-1])
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            if mirror.tell_length:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: mirror.cut_after])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mirror.address = f"http://127.0.0.1:{server.server_port}/mnist/"
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def packed(contents: dict[str, bytes]) -> dict[str, bytes]:
    """As the mirrors have them: with gzip, and .gz at the end of the name."""
    return {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
