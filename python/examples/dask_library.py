"""A library with Dask, on this computer or a cluster whose workers all see the music:

    python dask_library.py ~/Music library/ [tcp://scheduler:8786]
"""

import sys
from pathlib import Path

import circumplex
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from distributed import Client

CHUNK = 100  # files in a task, and in a part of the library


def rows(files: pd.DataFrame) -> pd.DataFrame:
    return pa.table(circumplex.analyze_batch(files)).to_pandas(types_mapper=pd.ArrowDtype)


def main(music: str, library: str, scheduler: str | None = None) -> None:
    paths = sorted(str(path) for path in Path(music).expanduser().resolve().rglob("*.*"))
    files = dd.from_pandas(pd.DataFrame({"path": paths}), chunksize=CHUNK)
    metadata = pa.schema(circumplex.analyze([])).metadata  # names the model
    with Client(scheduler):
        songs = files.map_partitions(rows, meta=rows(pd.DataFrame({"path": [""]})[:0]))
        songs.to_parquet(library, write_index=False, custom_metadata=metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
