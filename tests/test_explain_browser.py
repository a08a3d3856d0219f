"""The pages in a real browser, where Chromium is installed; what can be known without one is asserted everywhere."""

import re
import time

import pytest
from benchmarks.photographs import WIDTHS, Browser, find_browser, subjects

import scratchwork as sw

MOST_BYTES = 1_000_000
MOST_SECONDS = 2.0


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The three pages of the proof: (file, seconds that it took to make)."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, make in {**subjects(), "hostile": hostile}.items():
        make()  # the first one pays for imports
        begun = time.perf_counter()
        text = make().html()
        seconds = time.perf_counter() - begun
        path = folder / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        found[name] = (path, seconds)
    return found


def hostile() -> sw.Walkthrough:
    """Names that are long, that no line may be broken in, and that would be HTML if they were not escaped."""
    network = sw.Sequential([sw.Dense(3, weight_initializer="glorot_uniform", use_bias=False)])
    network.build((2,), rng=0)
    labels = ["<script>alert(1)</script>", "x" * 90, "a & 'b'"]
    scale = sw.preprocessing.Rescale(0.00392156862745098)
    names = ["<img src=x onerror=alert(1)>", "an_endless_name_" * 6]
    model = sw.Model(network, preprocessing=[scale], labels=labels, task="multiclass", link="softmax", feature_names=names)
    return sw.walkthrough(model, [[1.0, 2e300]], [labels[0]], optimizer="adam")


@pytest.mark.parametrize("name", ["2-3-2", "784-10-10", "batch-norm", "hostile"])
def test_pages_are_small_and_soon_made(pages, name):
    path, seconds = pages[name]
    assert path.stat().st_size <= MOST_BYTES
    assert seconds <= MOST_SECONDS
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|@import|url\(", text)


@pytest.mark.slow
def test_pages_in_chromium(pages, tmp_path):
    program = find_browser()
    for path, _ in pages.values():
        if program is None:  # no browser to ask: the page says itself that it loads nothing and fits a phone
            text = path.read_text(encoding="utf-8")
            assert "default-src 'none'" in text
            assert "width=device-width" in text
            continue
        with Browser(program) as browser:
            for width in WIDTHS:
                for dark in (False, True):
                    browser.open(path, width, dark=dark)
                    assert browser.overflow() <= 0, (path.name, width)
                    assert browser.complaints() == []
                    assert browser.requests() == [path.resolve().as_uri()]
                    paper = browser.value("getComputedStyle(document.body).backgroundColor")
                    shade = sum(int(number) for number in re.findall(r"\d+", paper)[:3])
                    assert (shade < 200) == dark
            browser.photograph(tmp_path / "page.png")
            assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_links_lead_somewhere_inside_a_notebook(tmp_path):
    program = find_browser()
    frame = subjects()["2-3-2"]()._repr_html_()
    assert "&lt;base href=&quot;about:srcdoc&quot;&gt;" in frame
    if program is None:
        return
    path = tmp_path / "notebook.html"
    open_frame = frame.replace('sandbox=""', "")  # a closed one cannot be asked where it stands
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{open_frame}</body>", encoding="utf-8")
    with Browser(program) as browser:
        browser.open(path, 1000)
        child = browser.ask("Page.getFrameTree")["frameTree"]["childFrames"][0]["frame"]["id"]
        inside = browser.ask("Page.createIsolatedWorld", frameId=child)["executionContextId"]

        def value(expression: str) -> object:
            answer = browser.ask("Runtime.evaluate", expression=expression, contextId=inside, returnByValue=True)
            return answer["result"].get("value")

        assert value("scrollY") == 0
        value("document.querySelector('.map a[href=\"#loss\"]').click()")
        end = time.monotonic() + 10
        while value("scrollY") <= 100 and time.monotonic() < end:  # the page glides
            time.sleep(0.1)
        assert value("scrollY") > 100
        assert value("location.href") == "about:srcdoc#loss"
        assert browser.requests() == [path.resolve().as_uri()]
        assert browser.complaints() == []


@pytest.mark.slow
def test_the_browser_sees_what_is_wrong(tmp_path):
    """The checks can fail: a page that is too wide, complains, and asks for what is elsewhere."""
    program = find_browser()
    if program is None:
        return
    path = tmp_path / "wrong.html"
    path.write_text('<meta name=viewport content="width=device-width"><div style="width:900px">x</div>'
                    '<img src="missing.png"><script>console.error("so it is")</script>')  # fmt: skip
    with Browser(program) as browser:
        browser.open(path, 360)
        assert browser.overflow() > 0
        assert any("so it is" in words for words in browser.complaints())
        assert any(address.endswith("missing.png") for address in browser.requests())
