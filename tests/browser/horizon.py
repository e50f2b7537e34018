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

"""Horizon in a browser, by the names that its pages show."""

from selenium.common import exceptions
from selenium.webdriver.common.by import By
from selenium.webdriver.support import select
from selenium.webdriver.support import wait

_TIMEOUT = 240      # seconds for a page or for the state of a server
_POLL = 0.2
# Selenium's way to say that the page was drawn anew while it looked.
_DRAWN_ANEW = (exceptions.StaleElementReferenceException,
               exceptions.ElementClickInterceptedException,
               exceptions.ElementNotInteractableException)


class Horizon:
    """The pages of Horizon.

    :param driver: selenium's
    :param url: of the dashboard, without a slash at the end
    """

    def __init__(self, driver, url):
        self._driver = driver
        self._url = url

    def open(self, path):
        self._driver.get(self._url + path)

    def log_in(self, user, password):
        self.open('/auth/login/')
        self.fill('#id_username', user)
        self.fill('#id_password', password)
        self.click('#loginBtn')

    # -- parts of a page -------------------------------------------------

    def elements(self, css):
        return self._driver.find_elements(By.CSS_SELECTOR, css)

    def element(self, css):
        """Return a visible element, once there is one."""
        return self.until(lambda: next(
            (each for each in self.elements(css) if each.is_displayed()),
            None), css)

    def texts(self, css):
        return [each.text.strip() for each in self.elements(css)]

    def errors(self):
        """Return the messages of errors on the page."""
        return list(filter(None, self.texts('.alert-danger')))

    def click(self, css):
        self.until(lambda: any(
            self._click(each) for each in self.elements(css)
            if each.is_displayed() and each.is_enabled()), css)

    def click_text(self, css, text):
        """Click the visible element that has a text."""
        self.until(lambda: any(
            self._click(each) for each in self.elements(css)
            if each.is_displayed() and each.text.strip() == text),
            '%s with "%s"' % (css, text))

    def fill(self, css, text):
        field = self.element(css)
        field.clear()
        field.send_keys(text)

    def choose(self, css, text):
        select.Select(self.element(css)).select_by_visible_text(text)

    def until(self, condition, what):
        """Wait until a function returns something true, and return it."""
        return wait.WebDriverWait(
            self._driver, _TIMEOUT, _POLL, _DRAWN_ANEW).until(
                lambda _: condition(), 'Not seen: %s' % what)

    # -- tables ----------------------------------------------------------

    def rows(self):
        """Return the cells of each row of the page's table, as texts."""
        return [[cell.text.strip() for cell in row.find_elements(
                 By.CSS_SELECTOR, 'td')]
                for row in self.elements('table.datatable tbody tr')]

    def wait_row(self, *texts):
        """Wait until a row has cells with all texts."""
        self.until(lambda: any(
            all(text in row for text in texts) for row in self.rows()),
            'a row with %s' % ', '.join(texts))

    def act(self, action, text):
        """Choose an action in the menu of the table's only row.

        :param action: part of the id of its button
        :param text: of the button that confirms it
        """
        self._open_menu(action)
        self.click_text('.modal-footer .btn', text)
        self._wait_closed()

    def _open_menu(self, action):
        """Choose what opens a dialog in the menu of the table's only row."""
        self.click('td.actions_column .dropdown-toggle')
        self.click('td.actions_column [id*="action_%s"]' % action)

    def _wait_closed(self):
        self.until(lambda: not self.elements('.modal-backdrop'),
                   'the end of the dialog')

    # -- volumes ---------------------------------------------------------

    def create_volume(self, name):
        """Create a volume of 1 GiB with the dialog."""
        self.click('#volumes__action_create')
        self.fill('.modal-body #id_name', name)
        self.click('.modal-footer input[value="Create Volume"]')
        self._wait_closed()

    def attach_volume(self, server_id):
        """Attach the only volume of the table to a server."""
        self._open_menu('attachments')
        self.click('.modal-body .themable-select .dropdown-toggle')
        self.click('.modal-body [data-select-value="%s"]' % server_id)
        self.click('.modal-footer input[value="Attach Volume"]')
        self._wait_closed()

    # -- networks --------------------------------------------------------

    def create_network(self, name, cidr):
        """Create a network with one subnet, with the dialog."""
        self.click('#networks__action_create')
        self.fill('.modal-body #id_net_name', name)
        self.click('.modal-footer .button-next')
        self.fill('.modal-body #id_subnet_name', name)
        self.fill('.modal-body #id_cidr', cidr)
        self.click('.modal-footer .button-next')
        self.click('.modal-footer .button-final')
        self._wait_closed()

    # -- the dialog that launches an instance ----------------------------

    def launch(self, name, image, flavor):
        """Launch an instance with the dialog."""
        self.click('#instances__action_launch-ng')
        self.fill('.ng-wizard input#name', name)
        for step, item in (('Source', image), ('Flavor', flavor)):
            self._step(step)
            self._allocate(item)
        self.click('.modal-footer .finish')
        self._wait_closed()

    def _step(self, name):
        self.until(lambda: any(
            self._click(each) for each in self.elements('.wizard-nav a')
            if each.text.strip().rstrip(' *') == name), 'the step ' + name)

    def _allocate(self, item):
        """Take an item from the visible table of available ones."""
        path = ('//*[contains(@class, "transfer-available")]'
                '//tr[.//td[normalize-space() = "%s"]]'
                '//*[contains(@class, "fa-arrow-up")]' % item)
        self.until(lambda: any(
            self._click(each) for each in
            self._driver.find_elements(By.XPATH, path)
            if each.is_displayed()), item)

    def _click(self, element):
        element.click()
        return True
