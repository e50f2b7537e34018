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

import contextlib
import importlib.util
import sqlite3

from nova_vmrun.aio import errors
from nova_vmrun.aio import volumes
from tests.unit.aio import base

# What matters of Cinder's tables.
_TABLES = """
CREATE TABLE volumes (id TEXT, created_at TEXT, deleted BOOLEAN);
CREATE TABLE volume_attachment (
    volume_id TEXT, instance_uuid TEXT, deleted BOOLEAN);
CREATE TABLE snapshots (deleted BOOLEAN);
CREATE TABLE backups (deleted BOOLEAN);
"""


class VolumesCase(base.TestCase):
    """A control plane with an empty database of Cinder's."""

    def setUp(self):
        super().setUp()
        self.run_sql(_TABLES)
        self.layout.initialised('cinder').write_text('29.0.0\n')

    def run_sql(self, script):
        with contextlib.closing(sqlite3.connect(
                self.layout.database('cinder'))) as database:
            database.executescript(script)

    def add(self, volume, server='NULL', deleted=0, detached=0):
        self.run_sql(
            "INSERT INTO volumes VALUES ('%s', '2026', %d);"
            "INSERT INTO volume_attachment VALUES ('%s', %s, %d);"
            % (volume, deleted, volume, server, detached))


class AttachmentsTestCase(VolumesCase):

    def test_nothing_attached_is_no_error(self):
        self.add('old', "'s1'", deleted=1)
        self.add('detached', "'s1'", detached=1)
        self.assertEqual([], volumes.attachments(self.layout))
        volumes.require_none_attached(self.layout)

    def test_attached_volumes_are_named_with_their_servers(self):
        self.add('v1', "'s1'")
        self.add('v2')
        error = self.assertRaises(
            errors.AioError, volumes.require_none_attached, self.layout)
        self.assertIn('Attached: v1 (server s1), v2 (no server).',
                      error.details)

    def test_of_many_only_some_are_named(self):
        for number in range(8):
            self.add('v%d' % number, "'s1'")
        error = self.assertRaises(
            errors.AioError, volumes.require_none_attached, self.layout)
        self.assertIn('v4 (server s1) and 3 more.', error.details)

    def test_cinder_that_never_started_has_none(self):
        self.layout.database('cinder').unlink()
        self.layout.initialised('cinder').unlink()
        self.assertEqual([], volumes.attachments(self.layout))
        self.assertFalse(self.layout.database('cinder').exists())

    def test_damaged_database_is_one_clear_line(self):
        self.layout.database('cinder').write_bytes(b'no database' * 100)
        error = self.assertRaises(
            errors.AioError, volumes.require_none_attached, self.layout)
        self.assertIn(str(self.layout.database('cinder')), error.details)


class CountsTestCase(VolumesCase):

    def test_deleted_rows_do_not_count(self):
        self.add('v1')
        self.add('v2', deleted=1)
        self.run_sql('INSERT INTO snapshots VALUES (0), (0), (1);'
                     'INSERT INTO backups VALUES (0), (0), (0)')
        self.assertEqual(volumes.Counts(1, 2, 3),
                         volumes.counts(self.layout))

    def test_cinder_that_never_started_has_none(self):
        self.layout.initialised('cinder').unlink()
        self.assertEqual(volumes.Counts(), volumes.counts(self.layout))


class InstalledTestCase(base.TestCase):

    def test_missing_cinder_is_one_clear_line(self):
        self.patch(importlib.util, 'find_spec', lambda name: None)
        error = self.assertRaises(errors.AioError, volumes.require_installed)
        self.assertIn('pip install "nova-vmrun[volumes]"', error.resolution)

    def test_installed_cinder_is_fine(self):
        volumes.require_installed()
