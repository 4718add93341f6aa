"""Turn music files into emotion vectors on Russell's valence-arousal circumplex, and search them."""

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypedDict, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "EMOTIONS",
    "Error",
    "Library",
    "Model",
    "Table",
    "__version__",
    "analyze",
    "analyze_batch",
    "analyze_folder",
    "face",
    "mel",
]

__version__: Final[str]

EMOTIONS: Final[tuple[str, str, str, str, str, str, str, str]]
"""The eight emotions, in the order of every vector."""

Path: TypeAlias = str | os.PathLike[str]

class ArrowStream(Protocol):
    """Arrow data: a table of pyarrow, Polars or pandas, a relation of DuckDB, a `Table`."""

    def __arrow_c_stream__(self, requested_schema: object | None = ...) -> object: ...

class ArrowArray(Protocol):
    """One batch of Arrow data."""

    def __arrow_c_array__(self, requested_schema: object | None = ...) -> Any: ...

Music: TypeAlias = Path | bytes | Iterable[Path | bytes] | ArrowStream | ArrowArray

class Face(TypedDict):
    """A face in a picture."""

    box: tuple[int, int, int, int]
    """Left, top, width and height in pixels of the upright picture."""
    expressions: dict[str, float]
    """The probability of each expression, sum 1."""
    emotions: dict[str, float]
    """The emotions that they stand for: percentages, sum 100."""

# `class` is a keyword of Python.
ClassScore = TypedDict(
    "ClassScore",
    {"class": str, "songs": int, "precision": float, "recall": float, "f1": float, "baseline_f1": float},
)
"""Scores of one class, 0 to 1, its number of labeled songs, and the F1 of the baseline."""

ClassBaseline = TypedDict("ClassBaseline", {"class": str, "accuracy": float, "macro_f1": float})
"""Scores of always answering the class with the most songs."""

class ClassReport(TypedDict):
    """Scores of classes on songs that were not learned from: cross-validated, with no artist on both sides."""

    songs: int
    """Number of labeled songs."""
    groups: int
    """Number of groups of songs that stayed together, because they have the same artist or content."""
    without_artist: int
    """Number of labeled songs without an artist, each a group of its own."""
    folds: int
    penalty: float
    accuracy: float
    """Share of right answers, 0 to 1."""
    macro_f1: float
    """Mean of the classes' F1, 0 to 1."""
    baseline: ClassBaseline
    classes: list[ClassScore]
    """The scores of each class, by name."""
    confusion: list[list[int]]
    """Number of songs by true class and, within that, predicted class, in the order of `classes`."""
    skipped: list[str]
    """The labels that were not used, each with the reason."""
    model: str
    """SHA-256 of the model that made the embeddings."""

class Error(Exception):
    """A file, library, model or argument that cannot be used."""

    kind: str
    """One word for programs, such as `unreadable`, `invalid-input` or `library`."""
    path: pathlib.Path | None
    """The file, if the error is about one."""

@final
class Table:
    """Rows in Arrow's format, which other libraries take without a copy: `pyarrow.table(t)`, `polars.DataFrame(t)`,
    `pandas.DataFrame.from_arrow(t)`, `duckdb.from_arrow(t)`."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""

    def __len__(self) -> int: ...
    def to_pyarrow(self) -> Any:
        """The rows as a `pyarrow.Table`."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class Model:
    """A model: `Model()` is the one inside the package, `Model(path)` an ONNX file that `circumplex train` wrote. The functions of
    the module are methods of `Model()`. A model can be pickled, so that engines send it to their workers."""

    def __new__(cls, path: Path | None = None) -> Model: ...
    @property
    def name(self) -> str:
        """The model's name, from its recipe."""

    @property
    def identity(self) -> str:
        """SHA-256 of the model file. Vectors of models with different identities are not comparable."""

    def analyze(
        self,
        music: Music,
        *,
        threads: int | None = None,
        timeline: bool = False,
        excerpt: str | None = None,
    ) -> Table:
        """Analyze music on all cores.

        `music` is a path, the content of a file as bytes, or a list of both; or Arrow data with a column `path` (text) or `content`
        (binary). With `content` no file is read, and `path` is a name. `threads` limits the cores, `timeline` adds the prediction
        for each window, `excerpt` ("45s" from the middle, "1:10:45s") analyzes a part of each song.

        Returns a row for each, in their order: the columns of a library, and `error`, the reason why a file failed.

        Raises Error if an option cannot be used; a file that cannot be analyzed is a row.
        """

    def analyze_batch(
        self,
        batch: Music,
        *,
        timeline: bool = False,
        excerpt: str | None = None,
    ) -> Table:
        """Analyze a batch of music on the calling thread: the function for engines that have workers of their own.

        `batch` and the result are those of `analyze`. The model is loaded once in each process, and other threads run meanwhile.
        """

    def analyze_folder(
        self,
        folders: Path | Iterable[Path],
        library: Path,
        *,
        progress: bool | Callable[[int, int, int], object] | None = None,
        threads: int | None = None,
        timeline: bool = False,
        excerpt: str | None = None,
        exclude: Sequence[str] = (),
        hidden: bool = False,
        cue: bool = False,
        force: bool = False,
        keep_missing: bool = False,
        retry_failed: bool = False,
    ) -> Table:
        """Bring a library file up to date with directories of music, as `circumplex analyze` does.

        Only new and changed files are analyzed, and an interrupted run resumes. After Ctrl-C the library is written with what is
        done. `progress=True` counts the files on standard error; a function is called with the numbers of finished, failed and all
        files. The other options are those of the command.

        Returns the rows of the whole library, and after them a row with `error` for each file that failed.

        Raises Error if there is no music, or the library cannot be read or written.
        """

    def mel(self, song: Path) -> npt.NDArray[np.float32]:
        """The input of the model for a song: `[windows, bands, frames]`, in decibels.

        Raises Error if the file cannot be decoded.
        """

@final
class Library:
    """A library: a Parquet file, a directory of them, or a list of both, read as one. `pyarrow.table(library)` and the like read its
    rows, some thousand at a time."""

    def __new__(cls, path: Path | Iterable[Path]) -> Library: ...
    def __len__(self) -> int: ...
    @property
    def model_name(self) -> str:
        """Name of the model that made the vectors; `unknown` if another program dropped it."""

    @property
    def model_identity(self) -> str:
        """SHA-256 of that model; empty if it is unknown."""

    @property
    def failures(self) -> list[tuple[pathlib.Path, str]]:
        """The files that could not be analyzed, each with the reason."""

    def query(
        self,
        *,
        emotions: Mapping[str, float] | None = None,
        vector: Sequence[float] | None = None,
        like: Path | Iterable[Path] | None = None,
        point: tuple[float, float] | tuple[float, float, float] | None = None,
        face: Path | bytes | Mapping[str, float] | None = None,
        unlike: Path | Iterable[Path] | None = None,
        k: int = 5,
        where: str | None = None,
        metric: str | None = None,
        by: str | None = None,
        relative: bool = False,
        limit_per_artist: int | None = None,
        limit_per_album: int | None = None,
        one_per_title: bool = False,
        exclude: Path | Iterable[Path] | None = None,
        model: Model | None = None,
    ) -> Table:
        """Find the songs nearest to some emotions, a vector, songs, a point or a face; give exactly one of these.

        `emotions` are weights by name, `vector` is eight numbers in the order of `EMOTIONS`, `like` names songs (paths, ends of
        paths, titles, or music files outside the library), `point` is valence and arousal from 1 to 9, perhaps with the size of the
        box around it, `face` is a picture or weights of expressions by name. `unlike` subtracts songs. `where` is a condition in
        SQL. The other options are those of `circumplex query`.

        Returns at most `k` rows, nearest first: `rank`, `similarity`, and columns of the library.

        Raises Error if the library cannot be read or a value cannot be used.
        """

    def classify(
        self,
        labels: Mapping[str, str | None] | Mapping[os.PathLike[str], str | None] | Path,
        *,
        column: str | None = None,
        penalty: float = 30.0,
        folds: int = 5,
        seed: int = 1,
    ) -> tuple[ClassReport, Table]:
        """Learn classes of your own from a few labeled songs, and classify all.

        `labels` is a dictionary from songs (paths, ends of paths, file names or titles) to their classes, or a CSV or Parquet file,
        whose `column` has the classes. The other options are those of `circumplex classify`.

        Returns a report and a table. The table has a row for each song, in the order of the library: `path`, `track`, `title`,
        `artist`, `label` (as given), `class` (the label, or else the most probable class) and `probability_CLASS` for each class.
        Silent songs have no class.

        Raises Error if the labels cannot be read, a song has two, none fits the library, or fewer than two classes are left.
        Labels that cannot be used are named in the report.
        """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def face(picture: Path | bytes) -> Face:
    """Find the largest face in a picture (JPEG, PNG or WebP) and recognize its expression.

    Raises Error if the picture cannot be read or shows no face.
    """

_model: Model
analyze = _model.analyze
analyze_batch = _model.analyze_batch
analyze_folder = _model.analyze_folder
mel = _model.mel
