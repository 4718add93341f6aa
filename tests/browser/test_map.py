"""The map: points, search, filters, ranks, lasso, pointing at songs."""

import xml.etree.ElementTree as xml
from io import BytesIO
from statistics import pstdev
from urllib.parse import unquote, urlsplit

import music
import pytest
from conftest import analyze, drawn, place_of, plays, strongest, until
from PIL import Image
from playwright.sync_api import expect


def titles(page):
    return page.locator("#songs .song-title").all_inner_texts()


def colors_at_songs(page, songs):
    """The color on the screen where each song is."""
    drawn(page)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    return [picture.getpixel(tuple(map(round, place_of(page, row)))) for row in range(len(songs))]


def lasso(page, songs, wanted):
    """Draw around the wanted rows; returns all rows that are inside."""
    places = [place_of(page, row) for row in range(len(songs))]
    left = min(places[row][0] for row in wanted) - 6
    right = max(places[row][0] for row in wanted) + 6
    top = min(places[row][1] for row in wanted) - 6
    bottom = max(places[row][1] for row in wanted) + 6
    page.locator("#lasso").click()
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in [(right, top), (right, bottom), (left, bottom)]:
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    return [row for row, (x, y) in enumerate(places) if left < x < right and top < y < bottom]


@pytest.mark.parametrize("path", ["", "?canvas"], ids=["webgl", "canvas"])
def test_every_song_is_a_point_on_the_map(path, open_page, server):
    page = open_page(server, path=path)
    songs = server.songs()
    assert len(songs) == 15
    shown = colors_at_songs(page, songs)
    page.locator("#search").fill("no such song")
    expect(page.locator("#nothing")).to_be_visible()
    dimmed = colors_at_songs(page, songs)
    for song, color, background in zip(songs, shown, dimmed):
        assert max(abs(a - b) for a, b in zip(color, background)) > 40, song["title"]


def test_search_finds_as_you_type(page, server):
    page.keyboard.press("/")
    page.keyboard.type("rain etude")
    expect(page.locator("#found")).to_have_text("1 of 15 songs")
    assert titles(page) == ["Étude in Rain"]
    page.locator("#search").fill("norden")
    expect(page.locator("#found")).to_have_text("2 of 15 songs")
    assert sorted(titles(page)) == ["Ice on the River", "Long Shadows"]
    page.locator("#clear-filters").click()
    expect(page.locator("#found")).to_have_text("15 songs")


def test_filters_by_emotion_genre_and_artist(page, server):
    songs = server.songs()
    page.locator("#tab-explore").click()
    emotion = strongest(songs[0])
    page.locator(f"#filter-{emotion}").click()
    expected = [song["title"] for song in songs if strongest(song) == emotion]
    expect(page.locator("#songs > li")).to_have_count(len(expected))
    assert sorted(titles(page)) == sorted(expected)
    page.locator(f"#filter-{emotion}").click()
    page.locator("#genre").select_option("Jazz")
    expect(page.locator("#found")).to_have_text("2 of 15 songs")
    page.locator("#genre").select_option("")
    page.locator("#artist").fill("Voltage")
    expect(page.locator("#found")).to_have_text("2 of 15 songs")
    assert sorted(titles(page)) == ["Broken Meter", "Siren Street"]


def test_the_switch_spreads_songs_by_rank(page, server):
    songs = server.songs()
    order = sorted(range(len(songs)), key=lambda row: songs[row]["valence"])
    before = [place_of(page, row)[0] for row in order]
    page.locator(".switch").click()
    until(
        page,
        """order => {
            const places = order.map(row => window.circumplex.position(row).x);
            const steps = places.slice(1).map((x, i) => x - places[i]);
            return Math.max(...steps) - Math.min(...steps) < 1;
        }""",
        order,
    )
    after = [place_of(page, row)[0] for row in order]
    assert after[-1] - after[0] > 1.5 * (before[-1] - before[0])
    page.locator(".switch").click()
    until(page, "([row, x]) => Math.abs(window.circumplex.position(row).x - x) < 0.01", [order[-1], before[-1]])


def test_songs_that_lie_close_together_are_spread_at_first(serve, open_page, tmp_path):
    songs = tmp_path / "Music"
    songs.mkdir()
    for number in range(20):
        music.wav(songs / f"{number:02}.wav", music.second(200 + 10 * number, "major", 2, 0, seed=number) * 2)
    library = tmp_path / "library.parquet"
    analyze(songs, "-o", library)
    server = serve(library)
    assert pstdev(song["arousal"] for song in server.songs()) < 1
    page = open_page(server)
    drawn(page)
    expect(page.locator("#spread")).to_be_checked()
    ys = "Array.from({ length: 20 }, (_, row) => window.circumplex.position(row).y)"
    until(page, f"Math.max(...{ys}) - Math.min(...{ys}) > 0.5 * document.getElementById('map').clientHeight")
    page.locator(".switch").click()
    expect(page.locator("#spread")).not_to_be_checked()
    until(page, f"Math.max(...{ys}) - Math.min(...{ys}) < 0.3 * document.getElementById('map').clientHeight")


def test_pointing_at_a_song_shows_it_and_a_click_plays_it(page, server):
    songs = server.songs()
    row = next(row for row, song in enumerate(songs) if song["title"] == "Siren Street")
    page.locator("#search").fill("Siren Street")
    expect(page.locator("#found")).to_have_text("1 of 15 songs")
    page.mouse.move(*place_of(page, row))
    card = page.locator("#card")
    expect(card).to_contain_text("Siren Street")
    expect(card).to_contain_text("Voltage Kids")
    expect(card).to_contain_text(strongest(songs[row]))
    page.mouse.click(*place_of(page, row))
    expect(page.locator("#now-title")).to_have_text("Siren Street")
    plays(page)


def test_zoom_and_pan_move_the_songs(page, server):
    places = [place_of(page, row) for row in range(len(server.songs()))]
    before = places[0]
    far = max(range(len(places)), key=lambda row: abs(places[row][0] - before[0]))
    away = "([row, x]) => Math.abs(window.circumplex.position(row).x - x)"
    other = [far, places[far][0]]
    page.mouse.move(*before)
    page.mouse.wheel(0, -400)
    # The place under the pointer stays, the others move away from it.
    until(page, f"{away} > 5", other)
    after = place_of(page, 0)
    assert abs(after[0] - before[0]) < 1 and abs(after[1] - before[1]) < 1
    page.locator("#zoom-reset").click()
    until(page, f"{away} < 0.5", other)
    frame = page.locator("#map").bounding_box()
    start = (frame["x"] + 60, frame["y"] + frame["height"] / 2)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 80, start[1] + 30, steps=4)
    page.mouse.up()
    moved = place_of(page, 0)
    assert abs(moved[0] - before[0] - 80) < 6 and abs(moved[1] - before[1] - 30) < 6


def test_a_lasso_makes_a_playlist(page, server, songs_directory):
    songs = server.songs()
    rows = lasso(page, songs, [0, 1])
    assert 2 <= len(rows)
    expect(page.locator("#selection-count")).to_have_text(f"{len(rows)} songs selected")
    wanted = {songs[row]["title"] for row in rows}
    assert set(titles(page)) == wanted

    with page.expect_download() as download:
        page.locator("#selection-m3u8").click()
    assert download.value.suggested_filename.endswith(".m3u8")
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    for title in wanted:
        assert any(title in line for line in lines), title
    paths = [line for line in lines if not line.startswith("#")]
    assert len(paths) == len(rows)
    assert all(str(songs_directory) in path for path in paths)

    with page.expect_download() as download:
        page.locator("#selection-xspf").click()
    tree = xml.parse(download.value.path())
    space = "{http://xspf.org/ns/0/}"
    locations = [element.text for element in tree.iter(f"{space}location")]
    assert [unquote(urlsplit(location).path) for location in locations] == paths

    page.locator("#selection-clear").click()
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.locator("#found")).to_have_text("15 songs")


def test_copied_paths_are_on_the_clipboard(open_page, server, songs_directory):
    page = open_page(server, permissions=["clipboard-read", "clipboard-write"])
    drawn(page)
    songs = server.songs()
    rows = lasso(page, songs, list(range(len(songs))))
    assert len(rows) == len(songs)
    page.locator("#selection-paths").click()
    expect(page.locator("#toast")).to_have_text("Copied 15 paths")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == 15
    assert all(line.startswith(str(songs_directory)) for line in lines)
