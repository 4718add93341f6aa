"""Times `circumplex serve` on a library: the start, the songs of the map, queries, many requests at once, and its memory.

    python benches/serve.py PROGRAM LIBRARY [PICTURE]

`cargo xtask million-songs -o million.parquet` makes a library. Needs nothing but Python; requests go over the loopback, each on
its own connection.
"""

import http.client
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

QUESTIONS = {
    "emotions": {"emotions": {"happy": 60, "content": 40}},
    "relative": {"emotions": {"tired": 1}, "relative": True},
    "limits": {"emotions": {"happy": 60}, "limit_per_artist": 1, "one_per_title": True},
    "like": {"like": [7]},
    "lead": {"emotions": {"tense": 1}, "lead": "calm", "k": 10},
    "where": {"emotions": {"happy": 1}, "where": "arousal > 6"},
}


def ask(port, method, path, body=None):
    """Seconds, and the answer."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status, content[:300])
    return time.perf_counter() - start, content


def memory(process):
    """MB in use, and at most so far."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return [int(lines[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM")]


def times(name, seconds):
    print(f"{name}: least {1000 * min(seconds):.1f} ms, median {1000 * statistics.median(seconds):.1f} ms of {len(seconds)}")


def main():
    program, library = sys.argv[1:3]
    start = time.perf_counter()
    process = subprocess.Popen([program, "serve", "--port", "0", library], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().rsplit(":", 1)[1].strip().rstrip("/"))
        print(f"listening after {time.perf_counter() - start:.3f} s")
        _, songs = ask(port, "GET", "/api/songs")
        print(f"songs answered after {time.perf_counter() - start:.3f} s: {json.loads(songs)['songs']} in {len(songs) / 1e6:.1f} MB")
        print("memory: %.0f MB, at most %.0f MB" % tuple(memory(process)))
        times("songs again", [ask(port, "GET", "/api/songs")[0] for _ in range(5)])
        for name, question in QUESTIONS.items():
            body = json.dumps(question)
            times(f"query, {name}", [ask(port, "POST", "/api/query", body)[0] for _ in range(20)])
        if len(sys.argv) > 3:
            picture = Path(sys.argv[3]).read_bytes()
            times("face", [ask(port, "POST", "/api/face", picture)[0] for _ in range(20)])
        for name, method, path, body in [
            ("queries", "POST", "/api/query", json.dumps(QUESTIONS["emotions"])),
            ("songs", "GET", "/api/songs", None),
        ]:
            start = time.perf_counter()
            with ThreadPoolExecutor(50) as pool:
                seconds = [taken for taken, _ in pool.map(lambda _: ask(port, method, path, body), range(50))]
            print(f"50 {name} at once: all after {time.perf_counter() - start:.2f} s, the slowest {max(seconds):.2f} s")
        print("memory: %.0f MB, at most %.0f MB" % tuple(memory(process)))
    finally:
        start = time.perf_counter()
        process.terminate()
        print(f"ended with code {process.wait()} after {time.perf_counter() - start:.3f} s")


main()
