"""A library with Ray Data, on this computer or a cluster:

    python ray_library.py s3://music/ library/
"""

import sys

import circumplex
import pyarrow as pa
import ray


def rows(batch: pa.Table) -> pa.Table:
    files = batch.select(["path", "bytes"]).rename_columns(["path", "content"])
    return pa.table(circumplex.analyze_batch(files))


def main(music: str, library: str) -> None:
    files = ray.data.read_binary_files(music, include_paths=True)
    # Analysis and writing are one task, which Ray runs again elsewhere if a machine fails.
    files.map_batches(rows, batch_format="pyarrow", batch_size=8).write_parquet(library)


if __name__ == "__main__":
    main(*sys.argv[1:])
