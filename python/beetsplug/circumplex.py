"""Moods of music in beets: valence, arousal and eight emotions as fields of every item.

    plugins: circumplex
    circumplex:
        auto: yes       # analyze what is imported
        force: no       # analyze items again that have the fields
        threads: 0      # 0: all cores

`beet circumplex [QUERY]` analyzes the items that have no fields yet. Then `beet ls valence:6..9 mood:calm` and smart playlists
find them. The fields are

    valence, arousal        1 to 9: from unpleasant to pleasant, from calm to energetic
    mood                    the strongest of the eight emotions
    happy ... content       their percentages, sum 100
    valence_01, energy_01   valence and arousal from 0 to 1, for programs that expect such a scale: (x - 1) / 8. They are not
                            Spotify's numbers, which came from another model.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
from beets import ui
from beets.dbcore import types
from beets.plugins import BeetsPlugin
from beets.util import displayable_path

import circumplex

# Items that are analyzed before their fields are stored: what is done is kept when the run is interrupted.
BATCH = 64


class CircumplexPlugin(BeetsPlugin):
    item_types = {
        **dict.fromkeys(("valence", "arousal", *circumplex.EMOTIONS), types.Float(2)),
        **dict.fromkeys(("valence_01", "energy_01"), types.Float(3)),
        "mood": types.STRING,
    }

    def __init__(self) -> None:
        super().__init__()
        self.config.add({"auto": True, "force": False, "threads": 0})
        if self.config["auto"].get(bool):
            self.import_stages = [self.imported]

    def commands(self) -> list[ui.Subcommand]:
        command = ui.Subcommand("circumplex", help="analyze the moods of music")
        command.parser.add_option("-f", "--force", action="store_true", help="analyze items again that have the fields")
        command.parser.add_option("-p", "--pretend", action="store_true", help="list the items, and change nothing")
        command.func = self.command
        return [command]

    def command(self, lib: Any, opts: Any, args: list[str]) -> None:
        items = self.wanted(lib.items(args), opts.force or self.config["force"].get(bool))
        if opts.pretend:
            for item in items:
                ui.print_(format(item))
        else:
            self.analyze(items)

    def imported(self, _session: Any, task: Any) -> None:
        self.analyze(self.wanted(task.imported_items(), self.config["force"].get(bool)))

    def wanted(self, items: Iterable[Any], force: bool) -> Iterator[Any]:
        return (item for item in items if force or "valence" not in item)

    def analyze(self, items: Iterable[Any]) -> None:
        """Store the fields of items. A file that fails is logged, and the next one follows."""
        items = iter(items)
        analyzed = failed = 0
        while batch := list(islice(items, BATCH)):
            for item, song in zip(batch, self.songs(batch)):
                if reason := "silent" if song["silent"] else song["error"]:
                    self._log.warning("{}: {}", displayable_path(item.path), reason)
                    failed += 1
                    continue
                percentages = dict(zip(circumplex.EMOTIONS, song["emotions"]))
                valence, arousal = song["valence"], song["arousal"]
                mood = max(percentages, key=lambda emotion: percentages[emotion])
                item.update({"valence": valence, "arousal": arousal, "mood": mood, **percentages})
                item.update({"valence_01": (valence - 1) / 8, "energy_01": (arousal - 1) / 8})
                item.store()
                analyzed += 1
                self._log.info("{}: {}, valence {:.1f}, arousal {:.1f}", displayable_path(item.path), mood, valence, arousal)
        if analyzed or failed:
            self._log.info("{} items analyzed, {} failed", analyzed, failed)

    def songs(self, items: Sequence[Any]) -> list[dict[str, Any]]:
        paths = [os.fsdecode(item.path) for item in items]
        table = circumplex.analyze(paths, threads=self.config["threads"].get(int) or None)
        columns = ["valence", "arousal", "emotions", "silent", "error"]
        return pa.table(table).select(columns).to_pylist()
