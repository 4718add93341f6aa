"""A library with Ray Data, on this computer or a cluster:

    python ray_library.py s3://music/ library/
"""

import sys

import circumplex
import pyarrow as pa
import ray


class Analyzer:
    def __call__(self, batch: pa.Table) -> pa.Table:
        files = pa.table({"path": batch["path"], "content": batch["bytes"]})
        return pa.table(circumplex.analyze_batch(files))


def main(music: str, library: str) -> None:
    files = ray.data.read_binary_files(music, include_paths=True)
    cores = int(ray.cluster_resources()["CPU"])
    songs = files.map_batches(Analyzer, batch_format="pyarrow", batch_size=16, concurrency=(1, cores))
    songs.write_parquet(library)


if __name__ == "__main__":
    main(*sys.argv[1:])
