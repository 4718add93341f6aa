"""Measure the page and its server on a large library, in bounded loops over loopback; prints the table of docs/serve.md.

    cargo xtask million-songs --rows 100000 -o songs.parquet
    cargo build --release
    CIRCUMPLEX=target/release/circumplex target/browser/bin/python tests/browser/figures.py songs.parquet
"""

import gzip
import http.client
import json
import os
import sys
import threading
import time
from io import BytesIO
from pathlib import Path
from statistics import median

import camera
import conftest
from playwright.sync_api import sync_playwright

QUESTION = json.dumps({"emotions": {"happy": 60, "content": 40}, "k": 5})
AT_ONCE = 50


def memory_mb(process, field="VmRSS"):
    """Resident memory of a process, or with VmHWM the most that it was."""
    [line] = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1000


def cpu_s(process):
    """Processor time of a process."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until_drawn(browser, library):
    """Seconds from the start of `circumplex serve` to a drawn map, and the server's memory then."""
    page = browser.new_page()
    start = time.perf_counter()
    server = conftest.Server(library)
    page.goto(server.url, wait_until="commit")
    conftest.drawn(page)
    took = time.perf_counter() - start
    memory = memory_mb(server.process)
    page.close()
    server.stop()
    return took, memory


def post(connection, path, body, content_type="application/json"):
    connection.request("POST", path, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return content


def connect(server):
    return http.client.HTTPConnection("127.0.0.1", int(server.url.split(":")[2].strip("/")), timeout=60)


def query_times(server, turns=100):
    """Seconds of one question after another."""
    connection = connect(server)
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        post(connection, "/api/query", QUESTION)
        times.append(time.perf_counter() - start)
    return times


def queries_at_once(server):
    """Seconds until the last of 50 questions that are asked at once is answered."""
    connections = [connect(server) for _ in range(AT_ONCE)]
    for connection in connections:
        connection.connect()
    threads = [threading.Thread(target=post, args=(connection, "/api/query", QUESTION)) for connection in connections]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def query_in_page(page, turns=50):
    """Seconds of a question as the page asks it."""
    script = """async ([body, turns]) => {
        const times = [];
        for (let i = 0; i < turns; i++) {
            const start = performance.now();
            const headers = { "Content-Type": "application/json" };
            await (await fetch("/api/query", { method: "POST", headers, body })).json();
            times.push((performance.now() - start) / 1000);
        }
        return times;
    }"""
    return page.evaluate(script, [QUESTION, turns])


def faces(server, turns=60):
    """Pictures of 640 x 480 a second, and a second of processor time, with one sent after another."""
    jpeg = BytesIO()
    camera.face().save(jpeg, "JPEG", quality=85)
    connection = connect(server)
    assert len(json.loads(post(connection, "/api/face", jpeg.getvalue(), "image/jpeg"))["faces"]) == 1
    start, before = time.perf_counter(), cpu_s(server.process)
    for _ in range(turns):
        post(connection, "/api/face", jpeg.getvalue(), "image/jpeg")
    return turns / (time.perf_counter() - start), turns / (cpu_s(server.process) - before)


def page_weight(browser, server):
    """Kilobytes of the page without the songs: as sent, and compressed."""
    page = browser.new_page()
    bodies = []
    page.on("response", lambda response: "/api/" not in response.url and bodies.append(response))
    page.goto(server.url)
    conftest.drawn(page)
    sent = sum(response.request.sizes()["responseBodySize"] for response in bodies)
    compressed = sum(len(gzip.compress(response.body(), 9)) for response in bodies)
    page.close()
    return sent / 1000, compressed / 1000


def frames(page, seconds=5):
    """Frames a second while the map is moved."""
    script = """seconds => new Promise(done => {
        const map = document.querySelector("#map canvas.top");
        const start = performance.now();
        let frames = 0;
        const step = now => {
            frames++;
            const wheel = new WheelEvent("wheel", { deltaY: frames % 40 < 20 ? -12 : 12, clientX: 500, clientY: 400, bubbles: true, cancelable: true });
            map.dispatchEvent(wheel);
            if (now - start < 1000 * seconds) requestAnimationFrame(step);
            else done((1000 * frames) / (now - start));
        };
        requestAnimationFrame(step);
    })"""
    return page.evaluate(script, seconds)


def main(library):
    with sync_playwright() as playwright:
        browser = conftest.launch(playwright)
        starts = [until_drawn(browser, library) for _ in range(5)]
        drawn_s, memory = min(starts)
        server = conftest.Server(library)
        songs = server.get("library")["songs"]
        page = browser.new_page()
        page.goto(server.url)
        conftest.drawn(page)
        in_page = query_in_page(page)
        moved = frames(page)
        page.close()
        alone = query_times(server)
        at_once = queries_at_once(server)
        wall, core = faces(server)
        sent, compressed = page_weight(browser, server)
        most = memory_mb(server.process, "VmHWM")
        browser.close()
        server.stop()
    milliseconds = lambda seconds: f"{1000 * seconds:.0f} ms"
    rows = [
        ("from `circumplex serve` to a drawn map, best of 5", f"{drawn_s:.2f} s"),
        ("memory of the server then", f"{memory:.0f} MB"),
        (f"the most, after {AT_ONCE} questions at once and {60} pictures", f"{most:.0f} MB"),
        ("a question from the page, median of 50", milliseconds(median(in_page))),
        ("a question by another program, median of 100", milliseconds(median(alone))),
        (f"{AT_ONCE} questions at once, until the last answer", milliseconds(at_once)),
        ("pictures of 640 x 480 a second (per second of processor time)", f"{wall:.0f} ({core:.0f})"),
        ("the page, as sent; each file compressed", f"{sent:.0f} kB; {compressed:.0f} kB"),
        ("frames a second while zooming, drawn by the processor", f"{moved:.0f}"),
    ]
    print(f"| {songs:,} songs | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
