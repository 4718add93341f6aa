"""Ray Data on two nodes of a local cluster, of which one is removed in mid-run. Run by hand; needs ray[data].

    python by_hand_ray.py MUSIC LIBRARY

Prints when the node was removed, and compares the library with the music: every song once.
"""

import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import ray
from ray.cluster_utils import Cluster

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import ray_library

music, library = Path(sys.argv[1]), Path(sys.argv[2])
songs = sorted(music.rglob("*.mp3"))
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
second = cluster.add_node(num_cpus=2)
ray.init(address=cluster.address)
start = time.monotonic()
run = threading.Thread(target=ray_library.main, args=(str(music), str(library)))
run.start()
while run.is_alive() and not list(library.glob("*.parquet")):
    time.sleep(0.01)
cluster.remove_node(second, allow_graceful=False)
parts = len(list(library.glob("*.parquet")))
print(f"node removed after {time.monotonic() - start:.1f} s with {parts} parts written")
run.join()
took = time.monotonic() - start
parts = sorted(library.glob("*.parquet"))
paths = Counter(path for part in parts for path in pq.read_table(part)["path"].to_pylist())
once = paths == Counter(str(song) for song in songs)
print(f"{len(songs)} songs, {sum(paths.values())} rows in {len(parts)} parts, {took:.1f} s: every song once: {once}")
sys.exit(not once)
