"""Sets up a CPU build of libtorch from PyPI's wheels; run by `cargo xtask`, with Python's standard library alone.

    python3 libtorch.py CACHE DIRECTORY

CACHE holds the downloads until they are unpacked; DIRECTORY, inside it, appears whole or not at all. A download that
was interrupted resumes. Every wheel must have the SHA-256 below, which is the one in
PyPI's index. A second process waits for the first. Messages go to standard error.
"""

import contextlib
import fcntl
import functools
import hashlib
import html
import http.client
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

VERSION = "2.11.0"
ATTEMPTS = 5
BLOCK = 1 << 20

# (project, file, size in bytes, SHA-256). torch's C++ libraries do not depend on the version of Python in its name.
WHEELS = [
    (
        "torch",
        "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        530604548,
        "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    ),
    (
        "nvidia-cuda-cupti",
        "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        10715597,
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    ),
    (
        "nvidia-cuda-runtime",
        "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        2243632,
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    ),
]

# What is taken from the wheels. libtorch_cpu.so names the last two, though no GPU is needed.
LIBRARIES = {
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
}
HEADERS = "torch/include/"

# The unpacked directory, and some to spare.
UNPACKED = 600_000_000


class Failure(Exception):
    """A reason that a person can act on."""


def say(text):
    print(f"    {text}", file=sys.stderr, flush=True)


def megabytes(count):
    return f"{count / 1e6:.0f} MB"


def main(cache, directory):
    downloads = os.path.join(cache, "downloads")
    os.makedirs(downloads, exist_ok=True)
    with only_one(os.path.join(cache, "libtorch.lock")):
        if os.path.isdir(directory):
            return  # another process made it while this one waited
        announce(cache, downloads)
        wheels = [obtain(downloads, *wheel) for wheel in WHEELS]
        unpack(wheels, directory)
        for wheel in wheels:
            os.remove(wheel)


@contextlib.contextmanager
def only_one(path):
    """Holds the lock; the kernel frees it however this process ends."""
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is setting libtorch up: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def announce(cache, downloads):
    total = sum(size for _, _, size, _ in WHEELS)
    here = sum(
        os.path.getsize(path)
        for _, name, _, _ in WHEELS
        for path in [os.path.join(downloads, name), os.path.join(downloads, name + ".part")]
        if os.path.exists(path)
    )
    say(f"libtorch {VERSION} is not here yet: {megabytes(total)} to download from PyPI, once")
    if here:
        say(f"{megabytes(here)} of that are here from an earlier attempt")
    say(f"it is kept in {cache}")
    needed = max(total - here, 0) + UNPACKED
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise Failure(
            f"{cache}: {megabytes(needed)} of room are needed and {megabytes(free)} are free. "
            "Make room, or set CIRCUMPLEX_CACHE to a directory elsewhere."
        )


def obtain(downloads, project, name, size, sha256):
    """The path of a wheel that has the right content."""
    whole = os.path.join(downloads, name)
    if os.path.exists(whole):
        if digest(whole) == sha256:
            return whole
        say(f"{name}: damaged on disk; it is fetched again")
        os.remove(whole)
    part = whole + ".part"
    try:
        address, context = locate(project, name)
        download(address, context, part, name, size)
    except (Failure, OSError) as reason:
        say(f"{name}: {without_password(str(reason))}")
        say("trying pip itself")
        with_pip(downloads, project, name, sha256)
    else:
        os.replace(part, whole)
    found = digest(whole)
    if found != sha256:
        os.remove(whole)
        raise Failure(
            f"{name}: SHA-256 {sha256} was expected and {found} was found; the download was thrown away. "
            "Try again; if it happens again, what answers as the package index does not hand out PyPI's file."
        )
    return whole


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
    return sha256.hexdigest()


# --- The package index, as pip is configured -----------------------------------------------------------------------


@functools.cache
def pip_settings():
    """What pip's configuration files and environment variables say, the stronger ones later."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {}
    for line in done.stdout.splitlines():
        if match := re.fullmatch(r"([^=]+)\.([^.=]+)='(.*)'", line):
            found[match[1], match[2]] = match[3]
    return found


def pip_setting(name):
    """One setting of pip, or None: the environment first, as pip has it."""
    for section in [":env:", "download", "install", "global"]:
        if value := pip_settings().get((section, name)):
            return value
    return None


def locate(project, name):
    """The address of a wheel, from the first index that lists it, and how to trust the server."""
    if pip_setting("no-index"):
        raise Failure("pip is told to use no index")
    certificates = pip_setting("cert")
    context = ssl.create_default_context(cafile=certificates)
    indexes = [pip_setting("index-url") or "https://pypi.org/simple"]
    indexes += (pip_setting("extra-index-url") or "").split()
    for index in indexes:
        page = f"{index.rstrip('/')}/{project}/"
        request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+html, text/html"})
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                text = answer.read().decode("utf-8", "replace")
                page = answer.url
        except (OSError, ValueError, http.client.HTTPException) as reason:
            say(f"{without_password(page)}: {without_password(str(reason))}")
            continue
        for link in re.findall(r"""href\s*=\s*["']([^"']+)["']""", text):
            address = urllib.parse.urldefrag(urllib.parse.urljoin(page, html.unescape(link))).url
            if urllib.parse.unquote(address).endswith("/" + name):
                return address, context
    raise Failure("no package index that could be read lists this file")


def without_password(text):
    return re.sub(r"//[^/@\s]+@", "//", text)


def download(address, context, part, name, size):
    """Downloads the rest of `part`."""
    shown = Progress(name, size)
    for attempt in range(1, ATTEMPTS + 1):
        have = os.path.getsize(part) if os.path.exists(part) else 0
        if have > size:
            os.remove(part)
            have = 0
        if have == size:
            shown.end(have)
            return
        try:
            request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                # A server that ignores the range answers 200 and begins at the beginning.
                goes_on = answer.status == 206
                with open(part, "ab" if goes_on else "wb") as file:
                    have = have if goes_on else 0
                    while have <= size and (block := answer.read(BLOCK)):
                        file.write(block)
                        have += len(block)
                        shown.at(have)
            reason = f"the connection ended after {megabytes(have)} of {megabytes(size)}"
        except urllib.error.HTTPError as error:
            if error.code not in {408, 416, 429} and error.code < 500:
                raise
            if error.code == 416:
                os.remove(part)
            reason = str(error)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
        if os.path.exists(part) and os.path.getsize(part) == size:
            shown.end(size)
            return
        if attempt < ATTEMPTS:
            say(f"{name}: {without_password(reason)}; going on (attempt {attempt + 1} of {ATTEMPTS})")
            time.sleep(2**attempt)
    raise Failure(f"{without_password(reason)}, after {ATTEMPTS} attempts")


class Progress:
    """A line every ten seconds, so that a log stays short."""

    def __init__(self, name, size):
        self.name, self.size = name, size
        self.start = self.last = time.monotonic()
        say(f"{name}: {megabytes(size)}")

    def at(self, have):
        if time.monotonic() - self.last > 10:
            self.last = time.monotonic()
            say(f"{self.name}: {megabytes(have)} of {megabytes(self.size)}")

    def end(self, have):
        say(f"{self.name}: {megabytes(have)} here after {time.monotonic() - self.start:.0f} s")


def with_pip(downloads, project, name, sha256):
    """For indexes that only pip can read, for example with a password; pip checks the SHA-256 too."""
    _, version, *_, platforms = name.removesuffix(".whl").split("-")
    wanted = os.path.join(downloads, project + ".txt")
    with open(wanted, "w", encoding="utf-8") as file:
        file.write(f"{project}=={version} --hash=sha256:{sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation=cp", "--python-version=3.11", "--abi=cp311", "--abi=none"]
    command += [f"--platform={platform}" for platform in platforms.split(".")]
    command += ["--require-hashes", f"--requirement={wanted}", f"--dest={downloads}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    os.remove(wanted)
    if done.returncode != 0 or not os.path.exists(os.path.join(downloads, name)):
        raise Failure(
            f"{project} {version} could not be downloaded. Is there a network, and does `{sys.executable} -m pip "
            f"download --no-deps {project}=={version}` work? pip's settings (index-url, cert, proxy) are used."
        )


# --- Unpacking ------------------------------------------------------------------------------------------------------


def unpack(wheels, directory):
    """Makes `directory` from the wheels: under another name first, so that half of it never looks whole."""
    say("unpacking")
    half = directory + ".half"
    shutil.rmtree(half, ignore_errors=True)
    os.makedirs(os.path.join(half, "lib"))
    missing = set(LIBRARIES)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                if member.filename in LIBRARIES:
                    missing.discard(member.filename)
                    place = os.path.join(half, "lib", os.path.basename(member.filename))
                elif member.filename.startswith(HEADERS):
                    place = os.path.join(half, "include", member.filename[len(HEADERS) :])
                else:
                    continue
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with archive.open(member) as source, open(place, "wb") as target:
                    shutil.copyfileobj(source, target, BLOCK)
    if missing:
        raise Failure(f"the wheels do not hold {', '.join(sorted(missing))}")
    # The wheel's own libtorch.so would ask for the libraries of CUDA; this one is read by the linker only.
    with open(os.path.join(half, "lib", "libtorch.so"), "w", encoding="ascii") as file:
        file.write("INPUT(libtorch_cpu.so)\n")
    with open(os.path.join(half, "build-version"), "w", encoding="ascii") as file:
        file.write(VERSION + "\n")
    os.sync()
    os.rename(half, directory)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        say("interrupted; run the same command to resume")
        sys.exit(130)
    except (Failure, OSError, zipfile.BadZipFile) as reason:
        say(without_password(str(reason)))
        sys.exit(1)
