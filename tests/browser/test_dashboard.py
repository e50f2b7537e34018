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

"""The dashboard in a browser."""

import os
import re

import requests

from tests.browser import base
from tests.browser import chromium
from tests.browser import horizon

# Where "make pictures" wants the pictures of the documentation.
_PICTURES = os.environ.get('NOVA_VMRUN_PICTURES')
# HTML, templates of Angular and Django, quotes, and a long word.
_HOSTILE = ('<img src=x onerror="window.ran=1">{{window.ran=1}}'
            '{% now "Y" %}\'"&amp;' + 60 * 'w')
_PANEL = re.compile('href="(/(?:project|admin|identity)/[a-z_]*/)"')
# Messages of errors, but not what browsers without JavaScript show.
_ERROR = re.compile(r'alert-danger(?![^"]*javascript).*?</div>', re.DOTALL)
_HIDDEN = ('routers', 'floating_ips', 'security_groups', 'trunks',
           'network_qos', 'containers')


class DashboardTest(base.TestCase):

    # The console's tab shows the whole screen of a server.
    window = (1200, 1150)

    def setUp(self):
        super().setUp()
        self.pages = horizon.Horizon(self.browser.driver, self.url(''))

    def url(self, path):
        return self.plane.settings.url('horizon', path)

    def log_in(self, user):
        self.pages.log_in(user, self.plane.passwords[user])
        self.pages.element('#content_body')

    def picture(self, name, height):
        """Keep the upper part of the page for the documentation."""
        if _PICTURES:
            chromium.save_small(self.browser.page(), height,
                                os.path.join(_PICTURES, name))

    def test_server_from_its_creation_to_its_end(self):
        self.check_login()
        server = self.check_launch('web')
        self.check_log(server)
        self.check_screen(server)
        self.check_stop()
        self.check_volume('data', server)
        self.check_delete()
        self.check_volume_without_server('data')

    def check_login(self):
        self.assertIn(self.url('/'), self.plane.said)
        self.pages.log_in('demo', 'wrong')
        self.pages.until(self.pages.errors, 'a refusal')
        self.log_in('demo')

    def check_launch(self, name):
        self.pages.open('/project/instances/')
        self.pages.launch(name, 'tiny', 'm1.nano')
        self.pages.wait_row(name, 'Active')
        self.assertEqual([], self.pages.errors())
        self.picture('dashboard-instances.png', 520)
        return self.plane.own_cloud.compute.find_server(name)

    def show(self, server, tab):
        self.pages.open('/project/instances/%s/?tab=instance_details__%s' % (
            server.id, tab))

    def check_log(self, server):
        self.show(server, 'log')
        shown = self.pages.element('pre.logs').text
        real = self.plane.own_cloud.compute.get_server_console_output(
            server.id)['output']
        self.assertIn(shown.splitlines()[-1], real)

    def check_screen(self, server):
        # On a busy machine, Horizon asks the user to load the page again.
        frame, = self.pages.until(lambda: self.console(server), 'a console')
        with self.browser.frame(frame):
            shown = self.browser.wait_drawing(
                lambda: self.real_screen(server))
        self.save_page('console-tab.png')
        self.check_same(self.real_screen(server), shown)
        self.assertGreater(shown.colours, 2)
        self.picture('dashboard-console.png', 1000)

    def console(self, server):
        """Open the tab of the console; return its frames."""
        self.show(server, 'console')
        return self.pages.elements('#console_embed')

    def check_stop(self):
        self.pages.open('/project/instances/')
        self.pages.act('stop', 'Shut Off Instance')
        self.pages.wait_row('Shutoff')

    def check_volume(self, name, server):
        """VMware attaches volumes to servers that are off."""
        self.pages.open('/project/volumes/')
        self.pages.create_volume(name)
        self.pages.wait_row(name, '1GiB', 'Available')
        self.pages.attach_volume(server.id)
        self.pages.wait_row(name, 'In-use')
        self.assertEqual([], self.pages.errors())
        volume, = self.plane.own_cloud.block_storage.volumes(details=True)
        self.assertEqual([(name, server.id)], [
            (volume.name, each['server_id']) for each in volume.attachments])

    def check_volume_without_server(self, name):
        self.pages.open('/project/volumes/')
        self.pages.wait_row(name, 'Available')
        self.pages.act('delete', 'Delete Volume')
        self.pages.until(
            lambda: not list(self.plane.own_cloud.block_storage.volumes()),
            'the end of the volume')

    def check_delete(self):
        self.pages.open('/project/instances/')
        self.pages.act('delete', 'Delete Instance')
        self.pages.until(
            lambda: not list(self.plane.own_cloud.compute.servers()),
            'the end of the server')

    def test_name_of_a_server_is_only_text(self):
        self.log_in('admin')
        server = self.boot(_HOSTILE, networks='none')
        for path in ('/project/instances/', '/admin/instances/',
                     '/project/instances/%s/' % server.id):
            self.pages.open(path)
            self.pages.until(lambda: any(
                _HOSTILE in text for text in
                self.pages.texts('#content_body')), path)
            self.assertIsNone(
                self.browser.driver.execute_script('return window.ran'))
            self.assertEqual([], self.pages.elements('img[src=x]'))

    def test_all_panels_work_and_others_are_hidden(self):
        self.log_in('admin')
        session = self.session()
        panels = set(_PANEL.findall(session.get(self.url('/project/')).text))
        self.assertIn('/project/volumes/', panels)
        for panel in sorted(panels):
            page = session.get(self.url(panel))
            self.assertEqual(200, page.status_code, panel)
            self.assertEqual([], _ERROR.findall(page.text), panel)
        for name in _HIDDEN:
            self.assertFalse([panel for panel in panels if name in panel])

    def test_network_of_a_project(self):
        self.log_in('demo')
        self.pages.open('/project/networks/')
        self.pages.create_network('lab', '198.51.100.0/24')
        self.pages.wait_row('lab', 'Active')
        self.assertEqual([], self.pages.errors())
        network, = self.plane.own_cloud.network.networks(name='lab')
        self.addCleanup(self.plane.own_cloud.network.delete_network, network)
        subnet, = self.plane.own_cloud.network.subnets(network_id=network.id)
        self.assertEqual('198.51.100.0/24', subnet.cidr)
        # What could not work is not offered.
        page = self.session().get(self.url('/project/network_topology/'))
        self.assertNotIn('router', ' '.join(
            re.findall('href="([^"]*)"', page.text)))

    def session(self):
        """Return a session of HTTP with the browser's cookies."""
        session = requests.Session()
        self.addCleanup(session.close)
        session.trust_env = False
        for cookie in self.browser.driver.get_cookies():
            session.cookies.set(cookie['name'], cookie['value'])
        return session
