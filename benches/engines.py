"""Times the Daft example against `circumplex analyze`.

    python benches/engines.py PROGRAM MUSIC [ROUNDS]

MUSIC is a directory of music files. Whole processes, alternating, on all cores that this process may use; the Daft process also
reports its run without the start, which a first file ends. Prints the median of the ratios of neighbors, by wall time and by processor
time. Needs circumplex and daft.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = str(Path(__file__).resolve().parents[1] / "python" / "examples")

DAFT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import daft_library, os
daft_library.main(os.path.join(sys.argv[2], min(os.listdir(sys.argv[2]))), sys.argv[3] + "-first")
start = time.perf_counter(), time.process_time()
daft_library.main(sys.argv[2] + "/*", sys.argv[3])
print(time.perf_counter() - start[0], time.process_time() - start[1])
"""

# The same pipeline, whose function looks at the contents alone.
BARE = """
import sys, daft
@daft.cls(use_process=False)
class Length:
    @daft.method.batch(return_dtype=daft.DataType.int64(), batch_size=8)
    def rows(self, path, content):
        return content.to_arrow().is_valid().cast("int64")
files = daft.from_glob_path(sys.argv[1] + "/*")
content = files["path"].download(on_error="null")
files.select(files["path"], Length().rows(files["path"], content).alias("length")).write_parquet(sys.argv[2])
"""


def once(command):
    """Seconds, processor time, and MB at most, of a process, and its output."""
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, text.decode()


def main():
    program, music = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    python = sys.executable
    count = len(os.listdir(music))
    ratios = {"whole process": [], "without the start": [], "processor time": []}
    with tempfile.TemporaryDirectory() as folder:
        bare = once([python, "-c", BARE, music, f"{folder}/bare"])
        for turn in range(rounds):
            command = once([program, "--quiet", "analyze", music, "-o", f"{folder}/{turn}.parquet"])
            daft = once([python, "-c", DAFT, EXAMPLES, music, f"{folder}/{turn}"])
            seconds, cpu = map(float, daft[3].split())
            ratios["whole process"].append(command[0] / daft[0])
            ratios["without the start"].append(command[0] / seconds)
            ratios["processor time"].append(command[1] / cpu)
            print(f"circumplex analyze {count / command[0]:.0f} files/s ({command[1]:.2f} s of CPU, {command[2]:.0f} MB), ", end="")
            print(f"Daft {count / daft[0]:.0f} files/s, {count / seconds:.0f} without the start ({cpu:.2f} s of CPU, {daft[2]:.0f} MB)", flush=True)
    for name, values in ratios.items():
        print(f"Daft / circumplex analyze, {name}: median {statistics.median(values):.2f} of {rounds}")
    print(f"Daft without circumplex, same files: {bare[2]:.0f} MB")


main()
