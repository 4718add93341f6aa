"""Executes notebooks; fails if a cell fails or if stored outputs say something else.

    python notebooks.py [--write] NOTEBOOK...

--write stores the outputs in the notebooks. Without it they are compared with the stored ones: the text of each cell must
be the same but for its numbers, whose last digits depend on the machine, and for its spaces. Pictures are not compared.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NUMBER = re.compile(r"[-−+]?\d[\d.,]*(e[-+]?\d+)?")


def words(cell):
    """The printed text of a cell and its last value, without numbers and spaces."""
    texts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            texts.append(output.text)
        elif "data" in output:
            # A picture's text is its size.
            is_picture = any(kind.startswith("image/") for kind in output.data)
            texts.append("picture" if is_picture else output.data.get("text/plain", ""))
    text = NUMBER.sub("#", "".join(texts))
    return re.sub(r"[\s─═]+", "", text)


def execute(path, write):
    """Returns what is wrong, or nothing."""
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    client = NotebookClient(
        fresh, timeout=300, kernel_name="python3", record_timing=False, extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(path.parent)}}
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return str(error)
    if write:
        fresh.metadata = stored.metadata
        path.write_text(nbformat.writes(fresh, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return None
    for number, (old, new) in enumerate(zip(stored.cells, fresh.cells), 1):
        if old.cell_type == "code" and words(old) != words(new):
            return f"cell {number}: stored {words(old)!r}, now {words(new)!r}; `cargo xtask notebooks --write` stores the outputs"
    return None


def main():
    arguments = sys.argv[1:]
    write = "--write" in arguments
    failed = 0
    for path in sorted(Path(argument) for argument in arguments if argument != "--write"):
        start = time.monotonic()
        wrong = execute(path, write)
        print(f"    {path.name}: {'FAILED' if wrong else 'done'} in {time.monotonic() - start:.1f} s", flush=True)
        if wrong:
            print(f"{path}: {wrong}", flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
