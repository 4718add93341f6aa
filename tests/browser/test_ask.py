"""Asking by sliders, a point, songs and text, with conditions."""

from conftest import EMOTIONS, plays
from playwright.sync_api import expect


def set_slider(page, emotion, value):
    page.locator(f"#slider-{emotion}").fill(str(value))


def results(page):
    return page.locator("#results .song-title").all_inner_texts()


def api_titles(page, question):
    """The titles that the API gives for a question."""
    return page.evaluate(
        """async question => {
            const headers = { "Content-Type": "application/json" };
            const answer = await fetch("/api/query", { method: "POST", headers, body: JSON.stringify(question) });
            return (await answer.json()).songs.map(song => song.title);
        }""",
        question,
    )


def test_sliders_find_songs_with_reasons(page):
    page.keyboard.press("a")
    set_slider(page, "calm", 80)
    set_slider(page, "content", 40)
    expected = api_titles(page, {"emotions": {"calm": 80, "content": 40}})
    expect(page.locator("#results .song-title")).to_have_text(expected)
    assert len(expected) == 5
    similarities = [float(text.split()[-1]) for text in page.locator(".result-similarity").all_inner_texts()]
    assert similarities == sorted(similarities, reverse=True)
    expect(page.locator("#results .result-reason").first).to_contain_text("%")
    page.locator("#results .result").first.click()
    expect(page.locator("#now-title")).to_have_text(expected[0])
    plays(page)


def test_a_point_on_the_plane_finds_songs(page):
    page.locator("#tab-ask").click()
    page.get_by_role("button", name="Point").click()
    plane = page.locator("#point-plane").bounding_box()
    page.mouse.click(plane["x"] + 0.75 * plane["width"], plane["y"] + 0.75 * plane["height"])
    expect(page.locator("#results > li")).to_have_count(5)
    assert page.locator("#valence").input_value() == "7"
    assert page.locator("#arousal").input_value() == "3"
    assert results(page) == api_titles(page, {"point": {"valence": 7, "arousal": 3}})


def test_more_like_a_result_asks_by_that_song(page):
    page.locator("#tab-ask").click()
    set_slider(page, "tense", 90)
    expect(page.locator("#results > li")).to_have_count(5)
    first = results(page)[0]
    page.get_by_role("button", name=f"More like {first}").click()
    expect(page.locator("#answer-title")).to_have_text(f"Like {first}")
    expect(page.locator("#like-list > li")).to_have_count(1)
    assert first not in results(page)


def test_text_is_read_as_on_the_command_line_and_errors_are_shown(page):
    page.locator("#tab-ask").click()
    page.get_by_role("button", name="Text").click()
    page.locator("#text").fill("happy=60,content=40")
    page.keyboard.press("Enter")
    expect(page.locator("#results > li")).to_have_count(5)
    assert results(page) == api_titles(page, {"emotions": {"happy": 60, "content": 40}})
    page.watch.expected = ["status of 4"]
    page.locator("#text").fill("hapy=60")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-error")).to_contain_text("hapy")


def test_a_condition_limits_the_songs_and_its_error_is_shown_in_place(page):
    page.watch.expected = ["status of 4"]
    page.locator("#tab-ask").click()
    set_slider(page, "frustrated", 70)
    expect(page.locator("#results > li")).to_have_count(5)
    page.locator("#options summary").click()
    page.locator("#where").fill("artist = 'Norden'")
    page.keyboard.press("Enter")
    expect(page.locator("#results > li")).to_have_count(2)
    assert sorted(results(page)) == ["Ice on the River", "Long Shadows"]

    page.locator("#where").fill("artits = 'Norden'")
    page.keyboard.press("Enter")
    expect(page.locator("#where-error")).to_contain_text("artits")
    assert page.locator("#where").get_attribute("aria-invalid") == "true"

    page.locator("#where").fill("")
    page.locator("#k").fill("8")
    page.locator("#per-artist").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#where-error")).to_be_hidden()
    expect(page.locator("#results > li")).to_have_count(8)
    artists = page.locator("#results .song-artist").all_inner_texts()
    named = [artist.split(" · ")[0] for artist in artists if artist]
    assert len(named) == len(set(named))


def test_the_eight_emotions_stand_in_their_order(page):
    page.locator("#tab-ask").click()
    assert page.locator("#sliders .slider > span").all_inner_texts() == EMOTIONS
