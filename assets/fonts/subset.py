#!/usr/bin/env python3
"""Makes the fonts that pictures are lettered with: DejaVu Sans without the scripts that file names rarely need.

    pip install fonttools==4.68.0 matplotlib==3.11.2      (matplotlib's package holds DejaVu Sans 2.37)
    python assets/fonts/subset.py

Kept: Latin with its extensions, Greek, Cyrillic, punctuation, super- and subscripts, currency signs, arrows and the
commonest mathematical signs. Hinting is dropped, since plotters draws outlines.
"""

import shutil
from pathlib import Path

import matplotlib
from fontTools import subset

HERE = Path(__file__).resolve().parent
SOURCE = Path(matplotlib.get_data_path()) / "fonts/ttf"
UNICODES = [
    *range(0x20, 0x7F),  # ASCII
    *range(0xA0, 0x250),  # Latin-1, Latin Extended-A and -B
    *range(0x300, 0x370),  # combining marks, which some systems write file names with
    *range(0x370, 0x530),  # Greek, Cyrillic
    *range(0x1E00, 0x1F00),  # Latin Extended Additional
    *range(0x2010, 0x2045),  # dashes, quotation marks, dots
    *range(0x2070, 0x20C0),  # super- and subscripts, currency
    *range(0x2190, 0x219A),  # arrows
    *(ord(sign) for sign in "−±×÷≈≠≤≥∞√∑∆…•·°µΩ♪♫♭♯"),
]

for name in ["DejaVuSans", "DejaVuSans-Bold"]:
    options = subset.Options(hinting=False, layout_features=["kern", "mark", "mkmk", "ccmp"], name_IDs=[0, 1, 2, 4, 5, 13])
    font = subset.load_font(SOURCE / f"{name}.ttf", options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=UNICODES)
    subsetter.subset(font)
    target = HERE / f"{name}-subset.ttf"
    subset.save_font(font, target, options)
    print(target.name, target.stat().st_size, "bytes,", len(font.getGlyphOrder()), "glyphs")
shutil.copy(SOURCE / "LICENSE_DEJAVU", HERE / "LICENSE_DEJAVU")
