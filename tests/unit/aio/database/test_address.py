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


import importlib.util

from nova_vmrun.aio.database import address
from nova_vmrun.aio import errors
from tests.unit import base

MYSQL = 'mysql://nova:a%2Fb@10.1.2.3/'


class ReadTestCase(base.TestCase):

    def test_servers_that_are_known(self):
        for url, driver, where in (
                ('mysql://a:b@host/', 'mysql+pymysql', 'host:3306'),
                ('mariadb://a:b@host:1/x', 'mysql+pymysql', 'host:1'),
                ('mysql+pymysql://a:b@host', 'mysql+pymysql', 'host:3306'),
                ('postgresql://a:b@host/', 'postgresql+psycopg2',
                 'host:5432'),
                ('mysql://a@/?unix_socket=/run/sock', 'mysql+pymysql',
                 '/run/sock'),
                ('postgresql://a@/?host=/run/pg', 'postgresql+psycopg2',
                 '/run/pg')):
            parts = address.read(url)
            self.assertEqual(driver, parts.drivername)
            self.assertEqual(where, address.place(parts))

    def test_what_is_no_server(self):
        for url in ('mysql', 'yes', 'sqlite:////tmp/x', 'mysql://',
                    'mysql://a:b@/', 'mysql://host/', 'oracle://a:b@host/',
                    'mysql://a:b@host:port/', 'mysql://a:b@host/Lab',
                    'mysql://a:b@host/x;y', 'mysql+mysqldb://a:b@host/',
                    'postgresql://a@/?host=relative',
                    'postgresql://a:b@127.0.0.1/?host=10.1.2.3',
                    'mysql://a:b@host/?unix_socket=/run/sock'):
            error = self.assertRaises(errors.AioError, address.read, url)
            self.assertIn('--database', error.resolution)

    def test_no_password_is_printed(self):
        for url in ('mysql://nova:secret@host:port/',
                    'oracle://nova:secret@host/',
                    'mysql://nova:secret@host/a b'):
            error = self.assertRaises(errors.AioError, address.read, url)
            self.assertNotIn('secret', str(error))
        self.assertNotIn('secret', repr(
            address.read('mysql://nova:secret@host/')))


class DatabaseTestCase(base.TestCase):

    def test_name_and_password_are_kept(self):
        self.assertEqual(
            'mysql+pymysql://nova:a%2Fb@10.1.2.3/keystone?charset=utf8',
            address.database(MYSQL, 'keystone'))

    def test_path_precedes_the_name(self):
        self.assertEqual(
            'postgresql+psycopg2://a:b@[::1]:5433/lab_nova_api'
            '?sslmode=verify-full',
            address.database('postgresql://a:b@[::1]:5433/lab'
                             '?sslmode=verify-full', 'nova_api'))


class CheckTestCase(base.TestCase):

    def test_plain_text_stays_on_this_machine(self):
        for url in ('mysql://a:b@localhost/', 'mysql://a:b@127.3.2.1/',
                    'postgresql://a:b@[::1]/',
                    'mysql://a@/?unix_socket=/run/sock'):
            address.check(url, insecure=False)

    def test_plain_text_on_a_network_is_refused(self):
        for url, option in (
                (MYSQL, 'ssl_ca='),
                (MYSQL + '?ssl_ca=', 'ssl_ca='),
                *((MYSQL + '?ssl_ca=/etc/ca.pem&' + option, 'ssl_ca=')
                  for option in (
                      'ssl_check_hostname=false', 'ssl_disabled=true',
                      'ssl_disabled=false', 'ssl_verify_cert=true',
                      'ssl_verify_identity=true', 'ssl=x',
                      'read_default_file=/etc/my.cnf')),
                ('postgresql://a:b@10.1.2.3/', 'sslmode=verify-full'),
                *(('postgresql://a:b@10.1.2.3/?' + options,
                   'sslmode=verify-full')
                  for options in (
                      'sslmode=require', 'sslmode=verify-ca',
                      'sslmode=verify-full&sslmode=disable',
                      'sslmode=verify-full&service=other'))):
            error = self.assertRaises(errors.AioError, address.check, url,
                                      insecure=False)
            self.assertIn(option, error.resolution)
            self.assertIn('--database-insecure', error.resolution)

    def test_unless_the_operator_insists(self):
        address.check(MYSQL, insecure=True)

    def test_verified_servers_may_be_anywhere(self):
        for url in (MYSQL + '?ssl_ca=/etc/ca.pem',
                    MYSQL + '?ssl_ca=/c&ssl_cert=/c&ssl_key=/k&charset=utf8',
                    'postgresql://a:b@10.1.2.3/?sslmode=verify-full'):
            address.check(url, insecure=False)


class DriverTestCase(base.TestCase):

    def test_missing_package_is_named(self):
        self.patch(importlib.util, 'find_spec', lambda name: None)
        for url, package in ((MYSQL, 'PyMySQL'),
                             ('postgresql://a:b@c/', 'psycopg2-binary')):
            error = self.assertRaises(errors.AioError,
                                      address.require_driver, url)
            self.assertIn('pip install %s.' % package, error.resolution)

    def test_installed_package_is_enough(self):
        self.patch(importlib.util, 'find_spec', lambda name: name)
        address.require_driver(MYSQL)
