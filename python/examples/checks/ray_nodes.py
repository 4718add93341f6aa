"""Ray Data on two nodes of a local cluster, one of which is removed in mid-run. Needs ray[data] and duckdb.

    circumplex analyze MUSIC -o program.parquet
    python ray_nodes.py MUSIC LIBRARY program.parquet
"""

import sys
import threading
import time
from pathlib import Path

import ray
from compare import compare
from ray.cluster_utils import Cluster

examples = str(Path(__file__).parents[1])
sys.path.insert(0, examples)
import ray_library

music, library, program = map(Path, sys.argv[1:])
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
second = cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, runtime_env={"env_vars": {"PYTHONPATH": examples}})
start = time.monotonic()
run = threading.Thread(target=ray_library.main, args=(str(music), str(library)))
run.start()
while run.is_alive() and len(list(library.glob("*.parquet"))) < 4:
    time.sleep(0.01)
parts = len(list(library.glob("*.parquet")))
cluster.remove_node(second, allow_graceful=False)
print(f"node removed after {time.monotonic() - start:.1f} s with {parts} parts written, still running: {run.is_alive()}")
run.join()
print(f"{time.monotonic() - start:.1f} s, Ray {ray.__version__}")
compare(library, program)
