"""A library with Dask, on this computer or a cluster. The music lies where all workers see it:

    python dask_library.py ~/Music library/ [tcp://scheduler:8786]
"""

import sys
from pathlib import Path

import circumplex
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from distributed import Client


CHUNK = 100  # songs, a file of the library each


def rows(part: pd.DataFrame) -> pd.DataFrame:
    return pa.table(circumplex.analyze_batch(part)).to_pandas(types_mapper=pd.ArrowDtype)


def main(music: str, library: str, cluster: str | None = None) -> None:
    paths = sorted(str(path) for path in Path(music).expanduser().rglob("*.*"))
    files = dd.from_pandas(pd.DataFrame({"path": paths}), chunksize=CHUNK)
    with Client(cluster):
        files.map_partitions(rows, meta=rows(pd.DataFrame({"path": [""]})[:0])).to_parquet(library)


if __name__ == "__main__":
    main(*sys.argv[1:])
