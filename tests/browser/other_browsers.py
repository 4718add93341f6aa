"""The page in Firefox or WebKitGTK (Safari's engine): map, sliders, player, lasso, and a face before a camera.

    CIRCUMPLEX=target/release/circumplex python tests/browser/other_browsers.py firefox|webkit library.parquet

By hand, since few machines have them; the tests drive Chromium. Needs Selenium with requirements.txt, sound (or a null sink), a library of
20 songs or more whose files are there, and Firefox with geckodriver, or WebKitWebDriver (Debian: webkit2gtk-driver) with a display.
Leaves a picture of every step.
"""

import base64
import glob
import sys
import time

import conftest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# A camera cannot be faked in WebKit: a stream of drawn frames stands in for it.
CAMERA = """
const canvas = document.createElement("canvas"), face = new Image();
canvas.width = 640;
canvas.height = 480;
face.src = "data:image/jpeg;base64," + arguments[0];
setInterval(() => canvas.getContext("2d").drawImage(face, 120, 0, 400, 480), 50);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
"""


def start(name):
    if name == "firefox":
        options = webdriver.FirefoxOptions()
        options.add_argument("-headless")
        return webdriver.Firefox(options=options)
    options = webdriver.WebKitGTKOptions()
    options.binary_location = glob.glob("/usr/lib/*/webkit2gtk-4*/MiniBrowser")[0]
    options.add_argument("--automation")
    return webdriver.WebKitGTK(options=options)


def main(name, library):
    server, driver = conftest.Server(library), start(name)

    def find(selector):
        return driver.find_element(By.CSS_SELECTOR, selector)

    def until(expression, picture):
        end = time.monotonic() + 60
        while not driver.execute_script(f"return {expression}"):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)
        driver.save_screenshot(f"{name}-{picture}.png")
        print(f"{picture}: as expected")

    results = "document.querySelectorAll('#results > li').length === 5"
    plays = "!document.getElementById('audio').paused && document.getElementById('audio').currentTime > 0.5"
    try:
        driver.set_window_size(1280, 900)
        driver.get(server.url)
        print(driver.execute_script("return navigator.userAgent"))
        driver.execute_script("window.errors = []; for (const kind of ['error', 'unhandledrejection']) addEventListener(kind, e => errors.push(String(e.message ?? e.reason)))")
        until("window.circumplex?.ready()", "map")

        find("#tab-ask").click()
        find("#slider-calm").send_keys(Keys.END)
        until(f"{results} && document.getElementById('slider-calm').value === '100'", "sliders")
        find("#results .result").click()
        until(plays, "player")
        find("#search").send_keys("no song is called so")
        until("document.querySelectorAll('#songs > li').length === 0", "search")
        find("#search").send_keys(Keys.ESCAPE)

        find("#lasso").click()
        actions = ActionChains(driver).move_to_element_with_offset(find("#map"), -90, -90).click_and_hold()
        for x, y in [(90, -90), (90, 90), (-90, 90), (-90, -80)]:
            actions.move_to_element_with_offset(find("#map"), x, y)
        actions.release().perform()
        until("!document.getElementById('selection').hidden", "lasso")

        find("#theme").click()
        find("#tab-feel").click()
        portrait = conftest.FIXTURES / "faces/portrait.jpg"
        driver.execute_script(CAMERA, base64.b64encode(portrait.read_bytes()).decode())
        find("#observe").click()
        until("parseFloat(document.querySelectorAll('#expressions i')[3].style.width) > 50", "camera")
        until(f"document.getElementById('answer-title').textContent === 'How you feel' && {results} && {plays}", "face")

        driver.set_window_size(500, 900)
        until("document.documentElement.scrollWidth <= innerWidth", "narrow")
        assert driver.execute_script("return errors") == []
    finally:
        driver.quit()
        server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
