"""Checks a report page with Python's own parsers: `--report PAGE` of `circumplex evaluate` or `face evaluate`, or the report.html of a
training.

    python3 tests/reference/report.py PAGE

The page must be well-formed XML, name no file and no address outside of itself, have a target for every link, a size
for every drawing, coordinates that are numbers, and pictures inside that are PNG files of the size at which they are
shown. Needs nothing but Python.
"""

import base64
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

NUMBERS = {"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "opacity", "font-size"}


def check_image(image):
    kind, data = image.get("href").split(",", 1)
    assert kind == "data:image/png;base64", kind
    file = base64.b64decode(data, validate=True)
    assert file[:8] == b"\x89PNG\r\n\x1a\n" and file[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", file[16:24])
    assert (width, height) == (int(image.get("width")), int(image.get("height")))


def check(page):
    text = Path(page).read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n")
    assert not re.search(r"://|@import|url\(", text), "the page names something outside of itself"
    root = ElementTree.fromstring(text)
    elements = list(root.iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    assert len(ids) == len(set(ids)), "an id occurs twice"
    assert not {element.tag for element in elements} & {"script", "link", "iframe", "object", "img"}
    for link in root.iter("a"):
        assert link.get("href")[1:] in ids, link.get("href")
    drawings = list(root.iter("svg"))
    assert drawings
    for drawing in drawings:
        left, top, width, height = map(float, drawing.get("viewBox").split())
        assert left == top == 0 and width > 0 and height > 0 and drawing.get("aria-label")
        is_picture = [element.tag for element in drawing] == ["image"]
        assert is_picture or len(list(drawing.iter())) > 5, f"{drawing.get('aria-label')}: nothing is drawn"
        for element in drawing.iter():
            for name in NUMBERS.intersection(element.keys()):
                float(element.get(name))
    for image in root.iter("image"):
        check_image(image)
    print(f"{page}: {len(text)} characters, {len(drawings)} drawings, {len(list(root.iter('image')))} pictures, valid")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check(sys.argv[1])
