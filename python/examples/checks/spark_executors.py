"""Spark on two executors, one of which is killed in mid-run. Needs pyspark, duckdb and Java 17.

    circumplex analyze MUSIC -o program.parquet
    python spark_executors.py MUSIC LIBRARY program.parquet
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from compare import compare
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[1]))
import spark_library

music, library, program = (Path(argument).resolve() for argument in sys.argv[1:])
builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", False)
# Parts of 2 MB, some ten songs.
builder = builder.config("spark.sql.files.maxPartitionBytes", 2_000_000).config("spark.sql.files.openCostInBytes", 0)
spark = builder.getOrCreate()
spark.sparkContext.addPyFile(spark_library.__file__)
start = time.monotonic()
run = threading.Thread(target=spark_library.main, args=(str(music), str(library)))
run.start()
while run.is_alive() and len(list(library.rglob("_temporary/0/task*/*.parquet"))) < 4:
    time.sleep(0.01)
parts = len(list(library.rglob("_temporary/0/task*/*.parquet")))
pattern = f"executor-id 0 .*{spark.sparkContext.applicationId}"
found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True)
[executor] = map(int, found.stdout.split())
os.kill(executor, signal.SIGKILL)
print(f"executor killed after {time.monotonic() - start:.1f} s with {parts} parts finished, still running: {run.is_alive()}")
run.join()
print(f"{time.monotonic() - start:.1f} s, Spark {spark.version}")
spark.stop()
compare(library, program)
