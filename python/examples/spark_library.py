"""A library with Spark:

    spark-submit spark_library.py s3a://music/ library/
"""

import sys
from collections.abc import Iterator

import circumplex
import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

# Spark has no lists of a fixed length.
ROW = pa.schema(
    field.with_type(pa.list_(pa.float32())) if pa.types.is_fixed_size_list(field.type) else field
    for field in pa.schema(circumplex.analyze([]))
    if field.name != "timeline"
)


def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        songs = pa.table(circumplex.analyze_batch(batch))
        yield from songs.select(ROW.names).cast(ROW).to_batches()


def main(music: str, library: str) -> None:
    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 8)
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(music)
    songs = files.select("path", "content").mapInArrow(rows, from_arrow_schema(ROW))
    songs.write.parquet(library)


if __name__ == "__main__":
    main(*sys.argv[1:])
