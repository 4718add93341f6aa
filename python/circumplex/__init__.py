"""Turn music files into emotion vectors on Russell's valence-arousal circumplex, and search them."""

from ._circumplex import EMOTIONS, Error, Library, Model, Table, __version__, face

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

_model = Model()
analyze = _model.analyze
analyze_batch = _model.analyze_batch
analyze_folder = _model.analyze_folder
mel = _model.mel
