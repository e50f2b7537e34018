#    Licensed under the Apache License, Version 2.0 (the "License"); you may
#    not use this file except in compliance with the License. You may obtain
#    a copy of the License at
#
#         http://www.apache.org/licenses/LICENSE-2.0
#
#    Unless required by applicable law or agreed to in writing, software
#    distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
#    WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
#    License for the specific language governing permissions and limitations
#    under the License.

"""A headless Chromium that shows pages of the control plane."""

import base64
import contextlib
import io
import shutil
import tempfile
import unittest

from PIL import Image
from selenium.common import exceptions
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import wait

from nova_vmrun.aio.demo import screen

_TIMEOUT = 120      # seconds for the page to show what is expected
_POLL = 0.2
_ARGUMENTS = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    '--force-device-scale-factor=1')
# Colours of a picture of a page; more would make it larger.
_COLOURS = 64


def need():
    """Skip the test unless there is a Chromium that can be driven.

    :returns: (its path, that of its driver)
    """
    browser = shutil.which('chromium') or shutil.which('chromium-browser')
    driver = shutil.which('chromedriver')
    if not browser or not driver:
        raise unittest.SkipTest('chromium or chromedriver is not installed')
    return browser, driver


class Browser:
    """One browser with one page.

    :param browser: path of chromium
    :param driver: path of chromedriver
    :param size: of the window in pixels
    """

    def __init__(self, browser, driver, size=(1000, 700)):
        self._profile = tempfile.TemporaryDirectory(
            prefix='nova-vmrun-chromium-', ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for argument in (*_ARGUMENTS, '--window-size=%d,%d' % size,
                         '--user-data-dir=' + self._profile.name):
            options.add_argument(argument)
        self._driver = webdriver.Chrome(
            options, webdriver.ChromeService(executable_path=driver))

    @property
    def driver(self):
        """Selenium's."""
        return self._driver

    def close(self):
        self._driver.quit()
        self._profile.cleanup()

    def open(self, url):
        self._driver.get(url)

    @contextlib.contextmanager
    def frame(self, element):
        """Look into a frame of the page for a while."""
        self._driver.switch_to.frame(element)
        try:
            yield
        finally:
            self._driver.switch_to.default_content()

    def type(self, key):
        """Press a key while the pointer is on the server's screen."""
        self._canvas().click()
        webdriver.ActionChains(self._driver).send_keys(key).perform()

    def page(self):
        """Return the whole page as a PNG."""
        return self._driver.get_screenshot_as_png()

    def picture(self):
        """Return the screen on the page, None if there is none.

        :returns: screen.Picture
        """
        try:
            png = self._canvas().screenshot_as_png
        except exceptions.WebDriverException:
            return None
        return _picture(png)

    def drawing(self):
        """Return what is drawn on the screen, wherever it is on the page.

        A screenshot has other colours if the screen is half a pixel off.

        :returns: screen.Picture, None if there is none
        """
        try:
            url = self._driver.execute_script(
                'return arguments[0].toDataURL()', self._canvas())
        except exceptions.WebDriverException:
            return None
        # There is nothing after the comma while the screen has no size.
        png = base64.b64decode(url.partition(',')[2])
        return _picture(png) if png else None

    def wait_picture(self, expected):
        """Wait until the page shows a picture; return what it shows."""
        self._wait(lambda: self.picture() == expected())
        return self.picture()

    def wait_drawing(self, expected):
        """Wait until a picture has been drawn; return what is drawn."""
        self._wait(lambda: self.drawing() == expected())
        return self.drawing()

    def wait_status(self, text):
        """Wait until noVNC's line of status has a text; return the line."""
        self._wait(lambda: text in self._status())
        return self._status()

    def _canvas(self):
        return self._driver.find_element(By.CSS_SELECTOR, '#screen canvas')

    def _status(self):
        return self._driver.find_element(By.ID, 'status').text

    def _wait(self, condition):
        try:
            wait.WebDriverWait(self._driver, _TIMEOUT, _POLL).until(
                lambda driver: condition())
        except exceptions.TimeoutException:
            pass            # what the page shows is compared by the test


def _picture(png):
    image = Image.open(io.BytesIO(png)).convert('RGB')
    return screen.Picture(*image.size, image.tobytes())


def save_small(png, height, path):
    """Save the upper part of a picture of a page, with few colours.

    :param height: of that part in pixels
    """
    image = Image.open(io.BytesIO(png)).convert('RGB')
    upper = image.crop((0, 0, image.width, min(height, image.height)))
    upper.quantize(_COLOURS).save(path, optimize=True)
