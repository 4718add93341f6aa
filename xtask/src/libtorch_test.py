"""Tests of libtorch.py against a package index of this machine: python3 libtorch_test.py"""

import functools
import hashlib
import http.server
import io
import os
import re
import sys
import tempfile
import threading
import unittest
import zipfile
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import libtorch

NAMES = [name for _, name, _, _ in libtorch.WHEELS]


def wheel(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


TORCH = wheel(
    {
        "torch/lib/libtorch_cpu.so": os.urandom(3_000_000),
        "torch/lib/libc10.so": b"c10",
        "torch/lib/libgomp.so.1": b"gomp",
        "torch/lib/libtorch.so": b"asks for CUDA",
        "torch/lib/libtorch_cuda.so": b"not wanted",
        "torch/include/torch/csrc/api/include/torch/torch.h": b"// header",
        "torch/__init__.py": b"not wanted",
    }
)
FILES = dict(
    zip(
        NAMES,
        [
            TORCH,
            wheel({"nvidia/cu13/lib/libcupti.so.13": b"cupti"}),
            wheel({"nvidia/cu13/lib/libcudart.so.13": b"cudart", "nvidia/cu13/include/cuda.h": b"not wanted"}),
        ],
    )
)


class Index(http.server.BaseHTTPRequestHandler):
    """Hands out FILES; breaks the connection after `broken_after` bytes while that is not None."""

    broken_after = None
    knows_ranges = True
    ranges = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = os.path.basename(self.path)
        if name not in FILES:
            links = "".join(f'<a href="../../files/{name}#sha256=0">{name}</a>' for name in FILES)
            return self.answer(200, links.encode(), len(links))
        content, status, wanted = FILES[name], 200, self.headers.get("Range")
        self.ranges.append(wanted)
        if wanted and self.knows_ranges:
            content, status = content[int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) :], 206
        self.answer(status, content[: self.broken_after], len(content))

    def answer(self, status, content, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)


class SettingUp(unittest.TestCase):
    def setUp(self):
        Index.broken_after, Index.knows_ranges, Index.ranges = None, True, []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        cache = tempfile.TemporaryDirectory()
        self.addCleanup(cache.cleanup)
        self.cache = cache.name
        self.directory = os.path.join(cache.name, "libtorch")
        self.wheels = [
            (project, name, len(FILES[name]), hashlib.sha256(FILES[name]).hexdigest())
            for project, name, _, _ in libtorch.WHEELS
        ]
        index = f"http://127.0.0.1:{server.server_port}/simple"
        settings = {(":env:", "index-url"): index}
        for change in [
            mock.patch.object(libtorch, "pip_settings", lambda: settings),
            mock.patch.object(libtorch, "with_pip", self.no_pip),
            mock.patch.object(libtorch, "say", lambda _: None),
            mock.patch.object(libtorch.time, "sleep", lambda _: None),
        ]:
            change.start()
            self.addCleanup(change.stop)

    def no_pip(self, *_):
        raise libtorch.Failure("no pip in this test")

    def run_main(self):
        with mock.patch.object(libtorch, "WHEELS", self.wheels):
            libtorch.main(self.cache, self.directory)

    def part(self, name):
        return os.path.join(self.cache, "downloads", name + ".part")

    def listing(self):
        return sorted(
            os.path.relpath(os.path.join(directory, file), self.directory)
            for directory, _, files in os.walk(self.directory)
            for file in files
        )

    def test_the_folder_holds_what_a_cpu_build_needs_and_the_wheels_are_gone(self):
        self.run_main()
        self.assertEqual(
            self.listing(),
            [
                "build-version",
                "include/torch/csrc/api/include/torch/torch.h",
                "lib/libc10.so",
                "lib/libcudart.so.13",
                "lib/libcupti.so.13",
                "lib/libgomp.so.1",
                "lib/libtorch.so",
                "lib/libtorch_cpu.so",
            ],
        )
        with open(os.path.join(self.directory, "lib", "libtorch.so"), encoding="ascii") as file:
            self.assertEqual(file.read(), "INPUT(libtorch_cpu.so)\n")
        self.assertEqual(os.listdir(os.path.join(self.cache, "downloads")), [])

    def test_a_broken_download_goes_on_where_it_stopped(self):
        Index.broken_after = 1_000_000
        self.run_main()
        self.assertEqual(Index.ranges[:4], [None, "bytes=1000000-", "bytes=2000000-", "bytes=3000000-"])

    def test_what_an_earlier_run_left_is_not_fetched_again(self):
        Index.broken_after = 100
        with self.assertRaises(libtorch.Failure):
            self.run_main()
        left = os.path.getsize(self.part(NAMES[0]))
        self.assertGreater(left, 0)
        Index.broken_after, Index.ranges = None, []
        self.run_main()
        self.assertEqual(Index.ranges[0], f"bytes={left}-")

    def test_a_server_without_ranges_begins_again(self):
        os.makedirs(os.path.dirname(self.part("")))
        with open(self.part(NAMES[0]), "wb") as file:
            file.write(b"x" * 1000)
        Index.knows_ranges = False
        self.run_main()
        self.assertIn("build-version", self.listing())

    def test_a_file_with_another_hash_is_thrown_away_and_nothing_is_set_up(self):
        os.makedirs(os.path.dirname(self.part("")))
        with open(self.part(NAMES[0]), "wb") as file:
            file.write(b"\0" * 1_000_000)
        with self.assertRaisesRegex(libtorch.Failure, "SHA-256"):
            self.run_main()
        self.assertFalse(os.path.exists(self.directory))
        self.assertEqual(os.listdir(os.path.join(self.cache, "downloads")), [])
        self.run_main()
        self.assertIn("build-version", self.listing())

    def test_an_unpacking_that_was_killed_leaves_no_folder(self):
        with mock.patch.object(libtorch.os, "rename", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.run_main()
        self.assertFalse(os.path.exists(self.directory))
        Index.ranges = []
        self.run_main()
        self.assertEqual(Index.ranges, [], "the wheels were still there")
        self.assertEqual(len(self.listing()), 8)

    def test_a_second_run_waits_for_the_first_and_then_has_nothing_to_do(self):
        with libtorch.only_one(os.path.join(self.cache, "libtorch.lock")):
            second = threading.Thread(target=functools.partial(libtorch.main, self.cache, self.directory))
            second.start()
            second.join(0.2)
            self.assertTrue(second.is_alive())
            os.mkdir(self.directory)
        second.join(10)
        self.assertFalse(second.is_alive())
        self.assertEqual(Index.ranges, [])

    def test_a_full_disk_is_told_before_the_download(self):
        usage = mock.Mock(free=1000)
        with mock.patch.object(libtorch.shutil, "disk_usage", return_value=usage):
            with self.assertRaisesRegex(libtorch.Failure, "room"):
                self.run_main()
        self.assertEqual(Index.ranges, [])


class Words(unittest.TestCase):
    def test_passwords_are_not_printed(self):
        self.assertEqual(
            libtorch.without_password("https://user:secret@index.example/simple/torch/: no"),
            "https://index.example/simple/torch/: no",
        )


if __name__ == "__main__":
    unittest.main()
