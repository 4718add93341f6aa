"""Weighs a worker process of an engine such as Dask, Ray or Spark: Python with pyarrow, and what circumplex adds.

    python benches/worker_memory.py MUSIC [FILES]

MUSIC is a directory of music files, handed over FILES at a time (8), once by path and once by content. Prints the peak memory (RSS) of each
process, and how much of it are mapped files, which all processes of a machine share. Needs circumplex and pyarrow, which loads pandas where
that is installed.
"""

import subprocess
import sys

WORKER = """
import os, sys, pyarrow as pa
what, music, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
files = sorted(file.path for file in os.scandir(music))
pa.table({"path": files})
if "analyze" in what:
    import circumplex
for first in range(0, len(files), step) if what != "start" else ():
    batch = {"path": files[first:first + step]}
    if "contents" in what:
        contents = []
        for path in batch["path"]:
            with open(path, "rb") as file:
                contents.append(file.read())
        batch["content"] = pa.array(contents, pa.binary())
    batch = pa.table(batch)
    if "analyze" in what:
        pa.table(circumplex.analyze_batch(batch))
with open("/proc/self/status") as file:
    status = file.read()
peak, shared = (int(status.split(name)[1].split()[0]) * 1024 / 1e6 for name in ("VmHWM:", "RssFile:"))
print(f"peak {peak:.0f} MB, of which {shared:.0f} MB shared, pandas: {'pandas' in sys.modules}")
"""


def main(music, step="8"):
    for what in ("start", "read contents", "analyze paths", "analyze contents"):
        process = subprocess.run([sys.executable, "-c", WORKER, what, music, step], stdout=subprocess.PIPE, text=True, check=True)
        print(f"{what}: {process.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
