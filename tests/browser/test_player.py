"""The player: queue, keys, timeline, formats that browsers do not play, tracks, files that are gone."""

import shutil

import pytest
from conftest import analyze, drawn, plays, until
from playwright.sync_api import expect


def play(page, title):
    """Play a song from the list."""
    page.locator("#search").fill(title)
    page.locator("#songs .song").filter(has=page.locator(".song-title", has_text=title)).first.click()
    expect(page.locator("#now-title")).to_have_text(title)


def audio(page, property):
    return page.evaluate(f"document.getElementById('audio').{property}")


def test_the_queue_plays_on_and_the_timeline_follows(page):
    page.locator("#search").fill("Ada Quill")
    expect(page.locator("#songs > li")).to_have_count(2)
    first, second = page.locator("#songs .song-title").all_inner_texts()
    page.locator("#songs .song").first.click()
    plays(page)
    expect(page.locator("#now-title")).to_have_text(first)
    expect(page.locator("#now-moment")).to_contain_text("valence")
    expect(page.locator("#timeline")).not_to_have_class("none")
    assert page.title().startswith("Ada Quill – ")

    # Paused, so that the song does not end while a busy machine looks.
    page.locator("#play").click()
    page.locator("#seek").fill("500")
    until(page, "document.getElementById('audio').currentTime >= 9.9")
    expect(page.locator("#elapsed")).to_have_text("0:10")
    expect(page.locator("#duration")).to_have_text("0:20")

    page.locator("#queue-open").click()
    expect(page.locator("#queue-list > li")).to_have_count(2)
    page.locator("#queue-close").click()
    # At its end, the next song begins by itself.
    page.locator("#play").click()
    page.evaluate("document.getElementById('audio').currentTime = 19.8")
    expect(page.locator("#now-title")).to_have_text(second)
    plays(page)
    page.locator("#previous").click()
    page.locator("#play").click()
    until(page, "document.getElementById('audio').paused")


def test_keys_pause_seek_and_change_the_volume(page):
    play(page, "Slow Ferry")
    plays(page)
    page.locator("#songs").click(position={"x": 2, "y": 2})
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    until(page, "document.getElementById('audio').paused")
    before = audio(page, "currentTime")
    page.keyboard.press("ArrowRight")
    until(page, "before => document.getElementById('audio').currentTime > before + 4.9", before)
    page.keyboard.press("ArrowDown")
    assert abs(audio(page, "volume") - 0.95) < 1e-6
    page.keyboard.press("m")
    assert audio(page, "muted")
    page.keyboard.press("Space")
    plays(page)


def test_media_keys_know_the_song(page):
    play(page, "Morning Market")
    plays(page)
    assert page.evaluate("navigator.mediaSession.metadata.title") == "Morning Market"
    assert page.evaluate("navigator.mediaSession.metadata.artist") == "The Lanterns"
    assert page.evaluate("navigator.mediaSession.playbackState") == "playing"


def test_a_format_that_the_browser_cannot_play_is_sent_as_wav(page):
    play(page, "Old Tape")
    plays(page)
    assert "format=wav" in audio(page, "currentSrc") or any("format=wav" in url for url in page.watch.requests)
    assert abs(audio(page, "duration") - 12) < 0.1


@pytest.mark.parametrize("name", ["alac.m4a", "flac.flac"])
def test_short_files_play_to_their_end(name, songs_directory, tmp_path, serve, open_page):
    """Half a second of ALAC, which is sent as WAV, and of FLAC, which browsers play."""
    (tmp_path / "music").mkdir()
    shutil.copy(songs_directory / name, tmp_path / "music")
    analyze(tmp_path / "music", "-o", tmp_path / "library.parquet")
    page = open_page(serve(tmp_path / "library.parquet"))
    drawn(page)
    page.locator("#tab-explore").click()
    page.locator("#songs .song").click()
    until(page, "document.getElementById('audio').ended")
    assert audio(page, "currentTime") > 0.3
    assert any("format=wav" in url for url in page.watch.requests) == (name == "alac.m4a")


def test_a_track_of_a_cue_sheet_begins_and_ends_at_its_place(page):
    play(page, "Side B")
    plays(page)
    assert abs(audio(page, "duration") - 14) < 0.1
    expect(page.locator("#duration")).to_have_text("0:14")


def test_a_missing_file_is_named_and_passed_over(songs_directory, tmp_path, serve, open_page):
    moved = tmp_path / "music"
    moved.mkdir()
    for number in ["02", "03", "04"]:
        [path] = songs_directory.glob(f"{number} *.wav")
        shutil.copy(path, moved)
    analyze(moved, "-o", tmp_path / "library.parquet")
    (moved / "03 Slow Ferry.wav").unlink()
    page = open_page(serve(tmp_path / "library.parquet"))
    page.watch.expected = ["status of 4"]
    drawn(page)
    page.locator("#tab-explore").click()
    expect(page.locator("#missing-note")).to_have_text("1 file of the library is not where it says.")
    expect(page.locator("#songs .gone")).to_contain_text("Slow Ferry")
    page.locator("#songs .song", has_text="Slow Ferry").click()
    expect(page.locator("#toast")).to_contain_text("Slow Ferry")
    plays(page)
    assert page.locator("#now-title").inner_text() != "Slow Ferry"
