"""The program, a library, a browser with a fake camera, and a page that is watched.

Run by `cargo xtask browser`; by hand: CIRCUMPLEX=target/release/circumplex pytest tests/browser
"""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import camera
import music
import pytest
from playwright.sync_api import expect, sync_playwright

FIXTURES = Path(__file__).parents[1] / "fixtures"
# Far more than anything takes, so that a busy machine fails no test.
PATIENCE_MS = int(os.environ.get("PATIENCE_MS", 60_000))
expect.set_options(timeout=PATIENCE_MS)


def chromium():
    """The system's Chromium."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert found, "Chromium is needed: install it, or set CHROMIUM to its program"
    return found


def program():
    """The circumplex to test."""
    return os.environ["CIRCUMPLEX"]


def analyze(*arguments, check=True):
    """Run `circumplex analyze`, which must succeed unless `check` is false."""
    command = [program(), "analyze", "--quiet", "--ffmpeg", "never", *map(str, arguments)]
    subprocess.run(command, check=check, stdout=subprocess.DEVNULL)


class Server:
    """`circumplex serve`, until it is stopped."""

    def __init__(self, *arguments, port=0):
        command = [program(), "serve", "--ffmpeg", "never", "--port", str(port), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"{command} ended with {self.process.wait()}"

    def get(self, path):
        """Read JSON from the API."""
        with urllib.request.urlopen(f"{self.url}api/{path}", timeout=60) as answer:
            return json.load(answer)

    def songs(self):
        """The songs of the library, a dictionary each."""
        columns = self.get("songs")
        names = ["title", "artist", "album", "genre", "duration_s", "valence", "arousal", "emotions"]
        return [dict(zip(names, row)) for row in zip(*(columns[name] for name in names))]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def songs_directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("music") / "Music"
    music.album(directory, FIXTURES)
    return directory


@pytest.fixture(scope="session")
def library(songs_directory, tmp_path_factory):
    """A library of 15 songs."""
    path = tmp_path_factory.mktemp("library") / "library.parquet"
    analyze(songs_directory, "--cue", "-o", path)
    return path


@pytest.fixture(scope="session")
def server(library):
    server = Server(library)
    yield server
    server.stop()


@pytest.fixture
def serve():
    """Start further servers, which end with the test."""
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


def launch(playwright, *arguments):
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=chromium(), args=[*sandbox, *arguments])


def camera_arguments(picture, path):
    """A camera that shows a picture, and a user who says yes."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera.write(picture, path)}",
    ]


@pytest.fixture(scope="session")
def browser(playwright, tmp_path_factory):
    """A browser whose camera shows one face."""
    arguments = camera_arguments(camera.face(), tmp_path_factory.mktemp("camera") / "face.mjpeg")
    browser = launch(playwright, *arguments)
    yield browser
    browser.close()


@pytest.fixture
def browser_with(playwright):
    """Start further browsers, which end with the test."""
    browsers = []

    def start(*arguments):
        browsers.append(launch(playwright, *arguments))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()


class Watch:
    """What a page must not do: ask another server, report errors."""

    def __init__(self, page, url):
        self.origin = urlsplit(url)[:2]
        self.away, self.errors, self.requests = [], [], []
        # Words of the errors in the console that a test causes.
        self.expected = []
        page.on("request", self.requested)
        page.on("websocket", lambda socket: self.away.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self.said)

    def said(self, message):
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")

    def requested(self, request):
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        # A blob's address holds the origin of the page that made it; both it and data never leave the browser.
        if parts.scheme not in ("blob", "data") and parts[:2] != self.origin:
            self.away.append(request.url)

    def check(self):
        assert not self.away, "requests to other origins"
        unexpected = [line for line in self.errors if not any(word in line for word in self.expected)]
        assert not unexpected, "errors in the browser's console"


@pytest.fixture
def open_page(browser, browser_with):
    """Open a server's page in a fresh context. Returns the page, whose `watch` is checked at the end."""
    opened = []

    def start(server, browser=browser, path="", **context_options):
        context = browser.new_context(**context_options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.watch = Watch(page, server.url)
        opened.append(page)
        page.goto(server.url + path)
        return page

    yield start
    for page in opened:
        page.context.close()
    for page in opened:
        page.watch.check()


@pytest.fixture
def page(open_page, server):
    """The page with the library, drawn."""
    page = open_page(server)
    drawn(page)
    return page


def until(page, expression, argument=None):
    """Wait until JavaScript is true. Playwright's own wait_for_function is forbidden by the page's Content-Security-Policy."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(30)


def drawn(page):
    """Wait until the songs are there and painted."""
    until(page, "window.circumplex?.ready()")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def place_of(page, row):
    """Where a song is on the screen, in pixels."""
    place = page.evaluate("row => window.circumplex.position(row)", row)
    return place["x"], place["y"]


def plays(page):
    """Wait until the song that is shown really plays."""
    until(
        page,
        """() => {
            const audio = document.getElementById("audio");
            return audio.src.includes("/api/songs/") && !audio.paused && audio.currentTime > 0.2;
        }""",
    )
    before = page.evaluate("document.getElementById('audio').currentTime")
    until(page, "before => document.getElementById('audio').currentTime > before", before)


EMOTIONS = ["happy", "excited", "tense", "frustrated", "depressed", "tired", "calm", "content"]


def strongest(song):
    """The name of the strongest emotion of a song."""
    return EMOTIONS[song["emotions"].index(max(song["emotions"]))]
