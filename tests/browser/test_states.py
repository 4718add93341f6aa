"""The page without songs, with more songs, without its server; keyboard, dark, narrow; who is answered."""

import shutil
import urllib.error
import urllib.request

import pytest
from conftest import analyze, drawn, plays
from playwright.sync_api import expect


def copy(songs_directory, directory, numbers):
    directory.mkdir(exist_ok=True)
    for number in numbers:
        [path] = songs_directory.glob(f"{number:02} *.wav")
        shutil.copy(path, directory)


def test_a_library_that_is_written_and_grows_is_followed(songs_directory, tmp_path, serve, open_page):
    library = tmp_path / "library.parquet"
    page = open_page(serve(library))
    expect(page.locator("#state-title")).to_have_text("No library here")
    expect(page.locator("#state-how")).to_contain_text("circumplex analyze")

    (tmp_path / "music").mkdir()
    (tmp_path / "music/notes.wav").write_text("no music")
    analyze(tmp_path / "music", "-o", library, check=False)
    expect(page.locator("#state-title")).to_have_text("No songs yet")

    (tmp_path / "music/notes.wav").unlink()
    copy(songs_directory, tmp_path / "music", [0, 1, 2])
    analyze(tmp_path / "music", "-o", library)
    expect(page.locator("#library-name")).to_contain_text("3 songs")
    expect(page.locator("#state")).to_be_hidden()
    drawn(page)
    page.locator("#tab-explore").click()
    page.locator("#songs .song", has_text="Harbor Lights").click()
    plays(page)

    copy(songs_directory, tmp_path / "music", [3, 4])
    analyze(tmp_path / "music", "-o", library)
    expect(page.locator("#library-name")).to_contain_text("5 songs")
    expect(page.locator("#toast")).to_have_text("2 new songs in the library")
    # The song goes on, and is marked in the new list.
    expect(page.locator("#now-title")).to_have_text("Harbor Lights")
    expect(page.locator("#songs > li[aria-current]")).to_contain_text("Harbor Lights")
    plays(page)


def test_a_file_that_is_no_library_is_named(tmp_path, serve, open_page):
    (tmp_path / "library.parquet").write_text("no library")
    page = open_page(serve(tmp_path / "library.parquet"))
    expect(page.locator("#state-title")).to_have_text("This library cannot be read")
    expect(page.locator("#state-message")).to_contain_text("library.parquet")


def test_the_page_says_when_the_server_is_gone_and_comes_back(library, serve, open_page):
    server = serve(library)
    page = open_page(server)
    drawn(page)
    page.watch.expected = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET"]
    server.stop()
    expect(page.locator("#banner")).to_contain_text("The server does not answer")
    serve(library, port=server.url.split(":")[2].strip("/"))
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#library-name")).to_contain_text("15 songs")


def test_everything_can_be_done_by_keyboard(page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")

    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#card")).to_be_visible()
    first = page.locator("#card strong").inner_text()
    for key in ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"]:
        page.keyboard.press(key)
        if page.locator("#card strong").inner_text() != first:
            break
    chosen = page.locator("#card strong").inner_text()
    assert chosen != first
    page.keyboard.press("Enter")
    expect(page.locator("#now-title")).to_have_text(chosen)
    plays(page)

    page.keyboard.press("a")
    page.locator("#tab-ask").focus()
    tabbed = []
    while "slider-happy" not in tabbed:
        page.keyboard.press("Tab")
        tabbed.append(page.evaluate("document.activeElement.id"))
        assert len(tabbed) < 12, tabbed
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(page.locator("#results > li")).to_have_count(5)

    page.locator("#tab-ask").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-explore")).to_be_focused()
    expect(page.locator("#panel-explore")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_every_control_has_a_name(page):
    for tab in ["feel", "ask", "explore"]:
        page.locator(f"#tab-{tab}").click()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, a[href]")]
                .filter(control => control.checkVisibility())
                .filter(control => !(control.getAttribute("aria-label") || control.textContent.trim()
                    || [...(control.labels ?? [])].some(label => label.textContent.trim())))
                .map(control => control.outerHTML)"""
        )
        assert nameless == []


def luminance(page, selector):
    """Of an element's background, from 0 to 1."""
    color = page.evaluate(
        """selector => {
            const context = new OffscreenCanvas(1, 1).getContext("2d");
            context.fillStyle = getComputedStyle(document.querySelector(selector)).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
        }""",
        selector,
    )
    return sum(color) / 3 / 255


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_or_dark_as_the_system_is(scheme, open_page, server):
    page = open_page(server, color_scheme=scheme)
    drawn(page)
    assert (luminance(page, "body") < 0.3) == (scheme == "dark")
    # The button goes from the system's to light to dark.
    page.locator("#theme").click()
    assert luminance(page, "body") > 0.7
    page.locator("#theme").click()
    assert luminance(page, "body") < 0.3


def test_a_phone_needs_no_sideways_scrolling(open_page, server):
    page = open_page(server, viewport={"width": 375, "height": 740}, device_scale_factor=2, is_mobile=True, has_touch=True)
    drawn(page)
    for tab in ["explore", "ask", "feel"]:
        page.locator(f"#tab-{tab}").tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        assert page.evaluate("document.scrollingElement.clientWidth") == 375
    page.locator("#tab-explore").tap()
    page.locator("#songs .song").first.tap()
    plays(page)
    wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
            .filter(element => element.checkVisibility() && element.getBoundingClientRect().right > 376)
            .filter(element => !element.closest(".visually-hidden, .skip, .sprite, svg"))
            .map(element => element.id || element.className || element.tagName)"""
    )
    assert wide == []


def test_other_hosts_and_origins_are_refused(server):
    for headers in [{"Host": "evil.example"}, {"Origin": "http://evil.example"}]:
        request = urllib.request.Request(f"{server.url}api/library", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 403


def test_another_host_than_this_computer_demands_the_token(library, serve, open_page):
    server = serve(library, "--host", "0.0.0.0")
    bare = server.url.split("?")[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{bare}api/library", timeout=60)
    assert refused.value.code == 401
    page = open_page(server)
    drawn(page)
    assert "token" not in page.url
    page.locator("#tab-explore").click()
    page.locator("#songs .song", has_text="Harbor Lights").click()
    plays(page)
