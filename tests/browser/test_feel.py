"""How do you feel? A fake camera shows NASA's portrait of a smiling Eileen Collins."""

import camera
import pytest
from conftest import camera_arguments, drawn, plays, until
from playwright.sync_api import expect

FAKE_UI = "--use-fake-ui-for-media-stream"
FAKE_DEVICE = "--use-fake-device-for-media-stream"


def camera_is_off(page):
    return page.evaluate("document.getElementById('camera').srcObject === null")


def test_a_look_into_the_camera_plays_the_first_of_five_songs(page):
    # Only on a machine that is too busy for two pictures in 15 seconds there is a second observation.
    seen = "document.querySelectorAll('#results > li').length === 5"
    for _ in range(4):
        page.get_by_role("button", name="Turn on the camera and look at me").click()
        expect(page.locator("#camera-light")).to_be_visible()
        until(page, f"{seen} || !document.getElementById('observe-note').hidden")
        if page.evaluate(seen):
            break
        expect(page.locator("#observe-note")).to_contain_text("long enough")
    # A smile: the bar of happiness is the longest.
    smile = """() => {
        const bars = [...document.querySelectorAll("#expressions li")];
        const length = bar => parseFloat(bar.querySelector(".bar i").style.width);
        const longest = bars.reduce((best, bar) => (length(bar) > length(best) ? bar : best));
        return [longest.textContent, length(longest)];
    }"""
    name, length = page.evaluate(smile)
    assert name == "happiness" and length > 50
    expect(page.locator("#results > li")).to_have_count(5)
    plays(page)
    assert camera_is_off(page)
    expect(page.locator("#camera-light")).to_be_hidden()
    expect(page.locator("#blocked")).to_be_hidden()
    first = page.locator("#results > li").first
    assert first.locator(".song-title").inner_text() == page.locator("#now-title").inner_text()
    assert "as you" in first.locator(".result-reason").inner_text()
    pictures = [request for request in page.watch.requests if request.endswith("/api/face")]
    assert len(pictures) >= 2

    # The same mood, but leading to another: the last song is calmer than the first.
    mirrored = page.locator("#results .song-title").all_inner_texts()
    page.locator("#lead").select_option("calm")
    expect(page.locator("#answer-title")).to_have_text("From your mood to calm")
    expect(page.locator("#results > li")).to_have_count(5)
    assert page.locator("#results .song-title").all_inner_texts() != mirrored
    page.locator("#mirror").click()
    expect(page.locator("#answer-title")).to_have_text("How you feel")
    assert page.locator("#results .song-title").all_inner_texts() == mirrored


def test_cancel_turns_the_camera_off(page):
    page.locator("#observe").click()
    until(page, "document.getElementById('camera').videoWidth > 0")
    track = page.evaluate_handle("document.getElementById('camera').srcObject.getVideoTracks()[0]")
    page.locator("#observe-cancel").click()
    expect(page.locator("#observe-note")).to_contain_text("The camera is off")
    assert track.evaluate("track => track.readyState") == "ended"
    assert camera_is_off(page)
    expect(page.locator("#answer")).to_be_hidden()


@pytest.mark.parametrize(
    "picture, hint",
    [(camera.two_faces, "Two faces"), (camera.night, "dark"), (camera.nobody, "No face")],
    ids=["two faces", "dark", "no face"],
)
def test_a_picture_that_is_hard_to_read_gets_a_hint(picture, hint, browser_with, open_page, server, tmp_path):
    page = open_page(server, browser_with(*camera_arguments(picture(), tmp_path / "camera.mjpeg")))
    page.locator("#observe").click()
    expect(page.locator("#observe-hint")).to_contain_text(hint)
    page.keyboard.press("Escape")
    expect(page.locator("#observe-note")).to_contain_text("The camera is off")


@pytest.mark.parametrize(
    "arguments, note",
    [([FAKE_DEVICE], "stays off"), ([FAKE_UI], "No camera")],
    ids=["refused", "absent"],
)
def test_without_a_camera_the_sliders_ask(arguments, note, browser_with, open_page, server):
    page = open_page(server, browser_with(*arguments))
    drawn(page)
    page.locator("#observe").click()
    expect(page.locator("#observe-note")).to_contain_text(note)
    expect(page.locator("#camera-light")).to_be_hidden()
    page.get_by_role("button", name="Set the sliders instead").click()
    expect(page.locator("#slider-happy")).to_be_visible()
