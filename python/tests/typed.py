"""What type checkers must accept; nothing runs it."""

import circumplex


def use(library: circumplex.Library, model: circumplex.Model) -> dict[str, float]:
    table: circumplex.Table = circumplex.analyze(["a.mp3", b"content"], threads=2)
    table = model.analyze_batch(table, excerpt="45s")
    table = circumplex.analyze_folder("~/Music", "library.parquet", progress=print)
    table = library.query(emotions={"happy": 60, "excited": 40}, k=5, where="arousal > 6")
    table = library.query(point=(7, 3), exclude=[path for path, _ in library.failures])
    report, table = library.classify({"a.mp3": "focus", "b.mp3": "workout"}, folds=3)
    report, table = library.classify("mine.csv", column="genre")
    print(report["baseline"]["accuracy"], [(one["class"], one["f1"]) for one in report["classes"]])
    shape: tuple[int, ...] = circumplex.mel("song.mp3").shape
    print(len(table), table.column_names, shape)
    return circumplex.face("selfie.jpg")["emotions"]
