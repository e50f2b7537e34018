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

"""A headless Chromium that shows the page of nova-novncproxy."""

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

_TIMEOUT = 30       # seconds for the page to show what is expected
_POLL = 0.2
_ARGUMENTS = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    '--force-device-scale-factor=1', '--window-size=1000,700')


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
    """

    def __init__(self, browser, driver):
        self._profile = tempfile.TemporaryDirectory(
            prefix='nova-vmrun-chromium-', ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for argument in (*_ARGUMENTS,
                         '--user-data-dir=' + self._profile.name):
            options.add_argument(argument)
        self._driver = webdriver.Chrome(
            options, webdriver.ChromeService(executable_path=driver))

    def close(self):
        self._driver.quit()
        self._profile.cleanup()

    def open(self, url):
        self._driver.get(url)

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
        image = Image.open(io.BytesIO(png)).convert('RGB')
        return screen.Picture(*image.size, image.tobytes())

    def wait_picture(self, expected):
        """Wait until the page shows a picture; return what it shows."""
        self._wait(lambda: self.picture() == expected())
        return self.picture()

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
