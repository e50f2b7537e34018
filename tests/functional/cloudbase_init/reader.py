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


"""Runs cloudbase-init on the files of a config drive: see __init__.py.

reader.py FOLDER: prints JSON.
"""

import base64
import json
import os
import sys
import tempfile
import unittest.mock

from cloudbaseinit import conf
from cloudbaseinit.metadata.services import configdrive
from cloudbaseinit.osutils import factory
from cloudbaseinit.plugins.common import networkconfig
from cloudbaseinit.plugins.common import sethostname
from cloudbaseinit.plugins.common import setuserpassword
from cloudbaseinit.plugins.common import sshpublickeys
from cloudbaseinit.plugins.common import userdata

# In the order in which they run.
_PLUGINS = (
    sethostname.SetHostNamePlugin, networkconfig.NetworkConfigPlugin,
    setuserpassword.SetUserPasswordPlugin,
    sshpublickeys.SetUserSSHPublicKeysPlugin, userdata.UserDataPlugin)


class _Windows:
    """Notes what would be changed in Windows.

    :param home: folder of the administrator
    """

    def __init__(self, home):
        self._home = home
        self.calls = []

    def get_user_home(self, user_name):
        return self._home

    def user_exists(self, user_name):
        return True

    def get_network_adapter_name_by_mac_address(self, mac):
        return 'Ethernet of %s' % mac

    def execute_powershell_script(self, path, sysnative=True):
        with open(path, encoding='utf-8') as script:
            self.calls.append(['execute_powershell_script', script.read()])
        return b'', b'', 0

    def __getattr__(self, name):
        def note(*arguments):
            self.calls.append([name, *arguments])
            return False
        return note


def main(folder):
    conf.CONF([], project='cloudbase-init')
    service = configdrive.ConfigDriveService()
    service._metadata_path = folder
    with tempfile.TemporaryDirectory() as home:
        windows = _Windows(home)
        with unittest.mock.patch.object(factory, 'get_os_utils',
                                        lambda: windows):
            shared = {}
            for plugin in _PLUGINS:
                plugin().execute(service, shared)
        with open(os.path.join(home, '.ssh', 'authorized_keys')) as file:
            keys = file.read()
    print(json.dumps({
        'id': service.get_instance_id(), 'keys': keys,
        'userdata': base64.b64encode(
            service.get_decoded_user_data()).decode('ascii'),
        'calls': windows.calls}))


if __name__ == '__main__':
    main(*sys.argv[1:])
