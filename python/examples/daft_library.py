"""A library from files or an object store, with Daft on all cores:

    python daft_library.py 's3://music/**/*.mp3' library/
"""

import sys

import circumplex
import daft
import pyarrow as pa

ROW = daft.DataType.from_arrow_type(pa.struct(list(pa.schema(circumplex.analyze([])))))


@daft.cls(use_process=False)
class Analyzer:
    @daft.method.batch(return_dtype=ROW, unnest=True, batch_size=8)
    def rows(self, path: daft.Series, content: daft.Series) -> pa.Array:
        batch = pa.table({"path": path.to_arrow(), "content": content.to_arrow()})
        return pa.array(circumplex.analyze_batch(batch))


def main(music: str, library: str) -> None:
    files = daft.from_glob_path(music)
    content = files["path"].download(on_error="null")
    files.select(Analyzer().rows(files["path"], content)).write_parquet(library)


if __name__ == "__main__":
    main(*sys.argv[1:])
