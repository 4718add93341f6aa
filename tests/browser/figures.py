"""Measure the page on a large library, in Chromium on this computer; prints the table of docs/serve.md.

    cargo xtask million-songs --rows 100000 -o songs.parquet
    CIRCUMPLEX=target/release/circumplex target/browser/bin/python tests/browser/figures.py songs.parquet

`cargo xtask browser` makes target/browser; benches/serve.py measures the server alone.
"""

import gzip
import sys
import time
from pathlib import Path
from statistics import median

import conftest
from playwright.sync_api import sync_playwright


def until_drawn(browser, library):
    """Seconds from the start of `circumplex serve` to a drawn map, and the server's resident memory in MB then."""
    page = browser.new_page()
    start = time.perf_counter()
    server = conftest.Server(library)
    page.goto(server.url, wait_until="commit")
    conftest.drawn(page)
    took = time.perf_counter() - start
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    page.close()
    server.stop()
    return took, int(status.split("VmRSS:")[1].split()[0]) / 1000


def query_times(page, turns=50):
    """Milliseconds of a question as the page asks it."""
    script = """async turns => {
        const times = [];
        for (let i = 0; i < turns; i++) {
            const start = performance.now();
            const headers = { "Content-Type": "application/json" };
            const body = JSON.stringify({ emotions: { happy: 60, content: 40 }, k: 5 });
            await (await fetch("/api/query", { method: "POST", headers, body })).json();
            times.push(performance.now() - start);
        }
        return times;
    }"""
    return page.evaluate(script, turns)


def frames(page, seconds=5):
    """Frames a second while the map is zoomed."""
    script = """seconds => new Promise(done => {
        const map = document.getElementById("map");
        const start = performance.now();
        let frames = 0;
        const step = now => {
            if (now - start >= 1000 * seconds) return done((1000 * frames) / (now - start));
            frames++;
            const deltaY = frames % 40 < 20 ? -12 : 12;
            map.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX: 500, clientY: 400, cancelable: true }));
            requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
    })"""
    return page.evaluate(script, seconds)


def weight(browser, server):
    """Kilobytes of the page without the songs: as sent, and each file compressed."""
    page = browser.new_page()
    answers = []
    page.on("response", lambda answer: "/api/" not in answer.url and answers.append(answer))
    page.goto(server.url)
    conftest.drawn(page)
    sent = sum(answer.request.sizes()["responseBodySize"] for answer in answers)
    compressed = sum(len(gzip.compress(answer.body(), 9)) for answer in answers)
    page.close()
    return sent / 1000, compressed / 1000


def main(library):
    with sync_playwright() as playwright:
        browser = conftest.launch(playwright)
        drawn_s, memory_mb = min(until_drawn(browser, library) for _ in range(5))
        server = conftest.Server(library)
        songs = server.get("library")["songs"]
        page = browser.new_page()
        page.goto(server.url)
        conftest.drawn(page)
        times, moved = query_times(page), frames(page)
        page.close()
        sent, compressed = weight(browser, server)
        browser.close()
        server.stop()
    print(f"| {songs:,} songs in Chromium | |\n|---|---|")
    print(f"| from `circumplex serve` to a drawn map, best of 5 | {drawn_s:.1f} s, {memory_mb:.0f} MB in the server |")
    print(f"| a query from the page, least and median of 50 | {min(times):.0f} ms, {median(times):.0f} ms |")
    print(f"| the page as sent; each file compressed | {sent:.0f} kB; {compressed:.0f} kB |")
    print(f"| frames a second while zooming, drawn without a GPU | {moved:.0f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
