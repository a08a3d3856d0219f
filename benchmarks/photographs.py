"""Photographs of walkthrough pages at three widths, light and dark, in headless Chromium, with what a browser says of them.

    python benchmarks/photographs.py [--out FOLDER] [--browser chromium]

The browser is spoken to through a pipe, so that nothing has to be installed beside it. For each page and width it is
measured how wide the page is (wider than the screen means that a phone scrolls sideways), what the console said, and which
addresses were asked for; and how long the page took to make, and how many bytes it has.
"""

import argparse
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

WIDTHS = (360, 800, 1400)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser(name: str | None = None) -> str | None:
    """The path of Chromium, where it is installed."""
    return next((found for candidate in ([name] if name else NAMES) if (found := shutil.which(candidate))), None)


class Browser:
    """Headless Chromium with one page open, spoken to in its own protocol: JSON messages that end in a zero byte."""

    def __init__(self, program: str, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self._profile = tempfile.TemporaryDirectory(prefix="photographs-", ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._reader, self._writer = os.fdopen(ours_in, "rb", buffering=0), os.fdopen(ours_out, "wb", buffering=0)
        command = ["bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', program, *FLAGS]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest, self._session = 0, b"", None
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.close()
        self._writer.close()
        self._profile.cleanup()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)
        raise TimeoutError(f"the browser did not answer {method} within {self.seconds} seconds")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._reader], [], [], self.seconds)[0]:
                raise TimeoutError(f"the browser said nothing for {self.seconds} seconds")
            piece = os.read(self._reader.fileno(), 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def open(self, path: Path, width: int, *, dark: bool = False, height: int = 900, media: str = "") -> None:
        """Open a file on a screen so wide."""
        self.events.clear()
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=scheme)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + self.seconds
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            if time.monotonic() > end:
                raise TimeoutError(f"{path} was not loaded within {self.seconds} seconds")
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to on the page that is open."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def overflow(self) -> int:
        """How many pixels the page is wider than the screen."""
        return int(self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def complaints(self) -> list[str]:
        """What the console said: errors, warnings, and what the policy of the page forbade."""
        found = []
        for event in self.events:
            method, given = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                found.append(str(given["entry"]["text"]))
            elif method == "Runtime.exceptionThrown":
                found.append(str(given["exceptionDetails"]["text"]))
            elif method == "Runtime.consoleAPICalled":
                found.append(" ".join(str(argument.get("value")) for argument in given["args"]))
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked for, apart from pictures that stand in the page itself."""
        asked = [
            event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"
        ]
        return [address for address in asked if not address.startswith("data:")]

    def photograph(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page, all of it or what the screen shows."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


def subjects() -> dict[str, Any]:
    """The three pages of the proof: a 2-3-2 network, images through 784-10-10, and one with batch norm, dropout and Adam."""
    import numpy as np

    import scratchwork as sw

    small = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dense(2)])
    small.build((2,), rng=0)
    rows = sw.data.xor()
    images = sw.Sequential([sw.Dense(10), sw.ReLU(), sw.Dense(10)])
    digits = sw.data.digits()
    large = np.kron(digits.x.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    x = (np.pad(large, ((0, 0), (2, 2), (2, 2))) / 16).reshape(len(large), 784)
    sw.fit(images, x, digits.y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), epochs=5, progress=False)
    model = sw.Model(images, labels=list(range(10)), task="multiclass", link="softmax", image_shape=(28, 28))
    layers = [sw.Dense(16), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(3)]
    normal = sw.Sequential(layers)
    blobs = sw.data.blobs(64, classes=3, seed=1)
    sw.fit(normal, blobs.x, blobs.y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-2), epochs=3, progress=False)
    softmax, adam = sw.SoftmaxCrossEntropy(), sw.Adam(1e-3)
    return {
        "2-3-2": lambda: sw.walkthrough(small, rows.x, rows.y, loss=softmax, optimizer=sw.SGD(0.1), row=1),
        "784-10-10": lambda: sw.walkthrough(model, x[:32], digits.y[:32], loss=softmax, optimizer=adam, row=3, neuron=(0, 4)),
        "batch-norm": lambda: sw.walkthrough(normal, blobs.x[:32], blobs.y[:32], loss=softmax, optimizer=adam, row=3),
    }


def main() -> None:
    """Make the pages, photograph them, print what was measured, and keep it with the other results."""
    from machine import describe_machine, write_result

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", default="photographs", help="folder for the pages and the pictures")
    parser.add_argument("--browser", help="the name or path of Chromium")
    options = parser.parse_args()
    program = find_browser(options.browser)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, make in subjects().items():
        path = folder / f"{name}.html"
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            page = make().html()
            times.append(time.perf_counter() - begun)
        path.write_text(page, encoding="utf-8")
        row: dict[str, Any] = {"page": name, "bytes": path.stat().st_size, "seconds": sorted(times)[2], "first": times[0]}
        print(f"{name}: {row['bytes']:,} bytes, made in {row['seconds']:.2f} s (the first time {row['first']:.2f} s)")
        if program is not None:
            row |= photographed(program, path)
        rows.append(row)
    if program is None:
        print("Chromium is not installed: no photographs, and nothing is kept")
        return
    result = {"machine": describe_machine(), "browser": version(program), "widths": WIDTHS, "pages": rows}
    print(f"kept in {write_result('walkthrough', result)}")


def photographed(program: str, path: Path) -> dict[str, Any]:
    """Photographs of a page at every width, light and dark; the most that it overflowed, and what the browser said."""
    overflow, said, asked = 0, [], []
    with Browser(program) as browser:
        for width in WIDTHS:
            for dark in (False, True):
                browser.open(path, width, dark=dark)
                browser.photograph(path.with_name(f"{path.stem}-{width}-{'dark' if dark else 'light'}.png"))
                overflow = max(overflow, browser.overflow())
                said += browser.complaints()
                asked += [address for address in browser.requests() if not address.startswith("file:")]
    print(f"  overflow {overflow} px, console {said}, asked for {asked}")
    return {"overflow": overflow, "console": len(said), "requests": len(asked)}


def version(program: str) -> str:
    """What the browser calls itself."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "Chromium"


if __name__ == "__main__":
    main()
