"""Make the pictures of the page: cargo xtask screenshots

They show a library of 620 songs that do not exist: places and percentages of `million-songs`, titles and artists from below, and as
files hard links to a few made-up pieces of music, so that songs play. The face is NASA's portrait of Eileen Collins.
"""

import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from random import Random

import camera
import conftest
import music
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from playwright.sync_api import sync_playwright

SONGS = 620
LENGTHS_S = [133, 158, 172, 187, 201, 214, 226, 245, 263, 291]
MOST_BYTES = 150_000
ARTISTS = {
    "Ada Quill": "Jazz", "Bright Harbor": "Pop", "Cassia & the Clocks": "Soul", "Delta Static": "Electronic", "Ember Lane": "Folk",
    "Fen Orchestra": "Classical", "Glass Parade": "Rock", "Hollow Pines": "Folk", "Iris Tanaka": "Jazz", "Juno Vale": "Pop",
    "Kite Season": "Rock", "Low Tide Radio": "Ambient", "Mira Sol": "Pop", "Norden": "Ambient", "Old Mill Five": "Jazz",
    "Paper Comet": "Electronic", "Quiet Engines": "Electronic", "Rosa Lindqvist": "Folk", "Salt Meadow": "Folk", "Tin Cathedral": "Metal",
    "Ursa Choir": "Classical", "Voltage Kids": "Rock", "West Window": "Soul", "Yellow Atlas": "Rock", "Zelda Okoye": "Soul",
}
FIRST = "Amber Blue Broken Copper Distant Early Electric Falling Golden Hidden Last Little Long Midnight Northern Open Quiet Silver Slow "
FIRST += "Summer Velvet Wild Winter"
SECOND = "Avenue Bridge Carousel Daylight Echo Ferry Garden Harbor Island Journey Kitchen Letter Lights Machine Morning Orchard Parade "
SECOND += "Rain River Road Shadow Signal Sky Station Street Summer Tide Train Waltz Weather Window"
ALBUMS = ["First Light", "Rooms by the Sea", "Counting Stars Twice", "A Map of Small Hours", "Tall Grass", "Night Bus", "Salt", "Postcards"]


def names(random):
    """Title, artist, album, genre of songs that do not exist; no title twice."""
    pairs = [f"{first} {second}" for first in FIRST.split() for second in SECOND.split() if first != second]
    titles = random.sample(pairs, SONGS)
    artists = random.choices(list(ARTISTS), k=SONGS)
    return titles, artists, [random.choice(ALBUMS) for _ in titles], [ARTISTS[artist] for artist in artists]


def piece(path, seconds, random):
    """Music that changes, for a timeline with something to see."""
    samples = music.array("h")
    while len(samples) < seconds * music.RATE:
        number = random.randrange(len(music.SONGS))
        *_, root, chord, beats, noise = music.SONGS[number]
        samples += music.second(root, chord, beats, noise, seed=number) * random.randrange(12, 30)
    music.wav(path, samples[: seconds * music.RATE])


def library(directory):
    """Write the library and its files."""
    target = Path(os.environ["CIRCUMPLEX"]).parent
    made_up, analyzed = directory / "made-up.parquet", directory / "analyzed.parquet"
    command = [target / "examples/million_songs", "--rows", str(SONGS), "-o", made_up]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    random = Random(7)
    pieces = directory / "pieces"
    pieces.mkdir()
    for seconds in LENGTHS_S:
        piece(pieces / f"{seconds}.wav", seconds, random)
    conftest.analyze(pieces, "-o", analyzed)

    table = pq.read_table(made_up)
    titles, artists, albums, genres = names(random)
    lengths = random.choices(LENGTHS_S, k=SONGS)
    paths = []
    for title, artist, album, seconds in zip(titles, artists, albums, lengths):
        path = directory / "Music" / artist / album / f"{title}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(pieces / f"{seconds}.wav", path)
        paths.append(str(path))
    given = {"title": titles, "artist": artists, "album": albums, "genre": genres, "path": paths, "duration_s": lengths}
    for name, values in given.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))
    # The stamp of the program's own model, so that timelines are computed.
    table = table.replace_schema_metadata(pq.read_schema(analyzed).metadata)
    pq.write_table(table, directory / "library.parquet")
    return directory / "library.parquet"


def save(png, path):
    """As WebP, as good as the limit allows."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(92, 40, -4):
        picture.save(path, "WEBP", quality=quality, method=6)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size // 1000} kB, quality {quality}")


def observe(page):
    """Look into the camera until the first of five songs has played for a while."""
    page.locator("#observe").click()
    page.locator("#results > li").nth(4).wait_for()
    conftest.until(page, "document.getElementById('now-moment').textContent")
    page.evaluate("document.getElementById('audio').currentTime = 71")
    conftest.until(page, "document.getElementById('audio').currentTime > 72")
    page.locator("#play").click()
    page.locator("#toast").wait_for(state="hidden")
    page.mouse.move(5, 5)


def main(output):
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        work = Path(work)
        server = conftest.Server(library(work))
        browser = conftest.launch(playwright, *conftest.camera_arguments(camera.face(), work / "face.mjpeg"))

        def open_page(width, height, **options):
            page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
            page.set_default_timeout(conftest.PATIENCE_MS)
            page.goto(server.url)
            conftest.drawn(page)
            return page

        for scheme in ["light", "dark"]:
            page = open_page(1440, 900, color_scheme=scheme)
            observe(page)
            save(page.screenshot(), output / f"page-{scheme}.webp")
            page.context.close()

        page = open_page(1280, 800, color_scheme="light")
        page.locator("#observe").click()
        conftest.until(page, "Number(document.getElementById('seconds').textContent) <= 9")
        save(page.screenshot(), output / "observe.webp")
        page.context.close()

        page = open_page(390, 844, device_scale_factor=2, is_mobile=True, has_touch=True, color_scheme="dark")
        page.locator("#tab-explore").tap()
        page.locator("#songs .song").nth(2).tap()
        conftest.until(page, "document.getElementById('now-moment').textContent")
        page.evaluate("document.getElementById('audio').currentTime = 71")
        conftest.until(page, "document.getElementById('audio').currentTime > 72")
        save(page.screenshot(), output / "phone.webp")
        browser.close()
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
