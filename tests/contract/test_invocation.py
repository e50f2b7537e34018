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

"""How vmrun is called (facts 1.1)."""

import re

from tests.contract import base


class InvocationTest(base.ContractCase):

    def test_no_arguments_print_usage(self):
        result = self.run_tool('vmrun')
        self.assertEqual((255, ''), (result.rc, result.err))
        self.assertIn('Usage: vmrun [AUTHENTICATION-FLAGS] COMMAND '
                      '[PARAMETERS]\n', result.out)

    @base.sample
    def test_usage_has_two_lines_before_the_version(self):
        lines = self.run_tool('vmrun').out.split('\n')
        self.assertEqual('', lines[0])
        self.assertTrue(lines[1].startswith('vmrun version '), lines[:3])
        self.assertEqual('', lines[2])

    @base.sample
    def test_version_by_the_expressions_of_clients(self):
        out = self.run_tool('vmrun').out
        self.assertTrue(re.search(r'vmrun version ([0-9.]+)', out))
        self.assertTrue(re.search(r'vmrun version (\S+(?: build-\d+)?)',
                                  out))

    def test_usage_lists_the_four_flags(self):
        out = self.run_tool('vmrun').out
        for flag in ('-T <hostType>', '-vp <', '-gu <', '-gp <'):
            self.assertIn('\n   ' + flag, out)

    def test_usage_columns_start_at_0_25_46(self):
        head = [line for line in self.run_tool('vmrun').out.split('\n')
                if line.startswith('POWER COMMANDS')][0]
        self.assertEqual((25, 46), (head.index('PARAMETERS'),
                                    head.index('DESCRIPTION')))

    def test_usage_sections(self):
        out = self.run_tool('vmrun').out
        for title in ('POWER COMMANDS', 'SNAPSHOT COMMANDS',
                      'HOST NETWORK COMMANDS', 'GUEST OS COMMANDS',
                      'GENERAL COMMANDS', 'Template VM COMMANDS',
                      'Examples:'):
            self.assertIn('\n' + title, out)

    def test_unknown_command_prints_usage(self):
        result = self.vmrun('frobnicate', '/x.vmx')
        self.assertEqual((255, ''), (result.rc, result.err))
        self.assertIn('Usage: vmrun', result.out)

    def test_unknown_command_is_named_first(self):
        result = self.vmrun('frobnicate', '/x.vmx')
        self.assertTrue(result.out.startswith(
            'Error: Unrecognized command: frobnicate\n'), result)

    def test_missing_vm_name_is_named_first(self):
        result = self.vmrun('start')
        self.assertEqual(255, result.rc)
        self.assertTrue(result.out.startswith(
            'Error: No Vm name provided\n'), result)

    def test_too_few_words_print_usage(self):
        machine = self.make_vm(disk=False)
        result = self.vmrun('snapshot', machine.vmx)
        self.assertEqual(255, result.rc)
        self.assertIn('Usage: vmrun', result.out)

    def test_removed_verbs_print_usage(self):
        for verb in ('register', 'unregister', 'listRegisteredVM',
                     'beginRecording', 'vprobeLoad'):
            result = self.vmrun(verb, '/x.vmx')
            self.assertEqual(255, result.rc, verb)
            self.assertIn('Usage: vmrun', result.out)

    def test_no_verb_tells_the_state(self):
        for verb in ('state', 'status', 'createVM', 'setMemory'):
            result = self.vmrun(verb, '/x.vmx')
            self.assertIn('Usage: vmrun', result.out, verb)

    def test_commands_ignore_case(self):
        machine = self.make_vm(disk=False)
        for verb in ('LISTSNAPSHOTS', 'listsnapshots', 'ListSnapshots'):
            self.says('Total snapshots: 0\n', verb, machine.vmx)

    def test_keywords_ignore_case(self):
        machine = self.make_vm(disk=False)
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx,
                  'showtree')
        self.says('Total snapshots: 0\n', 'listSnapshots', machine.vmx,
                  'showTree')

    def test_host_type_may_be_left_out(self):
        result = self.run_tool('vmrun', 'list')
        self.assertEqual((0, 'Total running VMs: 0\n'),
                         (result.rc, result.out))

    def test_flags_come_in_any_order(self):
        machine = self.make_vm(disk=False)
        result = self.run_tool('vmrun', '-gp', 'x', '-T', self.kind, '-gu',
                               'root', 'listSnapshots', machine.vmx)
        self.assertEqual((0, 'Total snapshots: 0\n'),
                         (result.rc, result.out))

    def test_flags_after_the_command_are_its_words(self):
        result = self.run_tool('vmrun', 'listSnapshots', '-T', self.kind,
                               '/x.vmx')
        self.assertEqual(255, result.rc)
        self.assertIn("Cannot open VM: -T, ", result.out)

    def test_old_server_flags_are_accepted(self):
        result = self.run_tool('vmrun', '-T', self.kind, '-h', 'localhost',
                               '-u', 'me', '-p', 'x', 'list')
        self.assertEqual(0, result.rc, result)

    @base.sample
    def test_unsupported_host_type(self):
        for kind in ('esx', 'vc', 'server'):
            result = self.run_tool('vmrun', '-T', kind, 'list')
            self.assertEqual(
                (255, 'Error: The specified service provider was not '
                 'found\n'), (result.rc, result.out))

    def test_relative_paths_are_accepted(self):
        machine = self.make_vm('rel', disk=False)
        self.says('Total snapshots: 0\n', 'listSnapshots', 'rel/rel.vmx')
        self.assertEqual(machine.vmx, self.path('rel', 'rel.vmx'))

    def test_surplus_words_are_ignored(self):
        machine = self.running_vm()
        self.done('stop', machine.vmx, 'nogui')
        self.done('deleteVM', machine.vmx, 'nogui')

    def test_two_keywords_in_one_word(self):
        machine = self.running_vm()
        self.done('stop', machine.vmx, 'hard nogui')
        self.assertFalse(machine.is_listed)

    def test_lines_end_in_lf_on_posix(self):
        self.says('Total running VMs: 0\n', 'list')

    def test_names_are_utf8(self):
        machine = self.make_vm('näme ✓ 虚', disk=False)
        self.done('start', machine.vmx, 'nogui')
        self.assertIn(machine.vmx, self.vmrun('list').out)

    def test_unknown_option_is_named_first(self):
        result = self.run_tool('vmrun', '--help')
        self.assertEqual('Invalid argument: --help',
                         result.out.splitlines()[0])
        self.assertIn('\nvmrun version ', result.out)

    @base.fakes_only
    def test_25h2_banner_has_no_build_word(self):
        self.use_product('ws', VERSION='25H2')
        self.assertIn('\nvmrun version 1.17.0.24995812\n',
                      self.run_tool('vmrun').out)

    @base.fakes_only
    def test_26h1_banner_has_no_build_word(self):
        self.use_product('ws', VERSION='26H1')
        self.assertIn('\nvmrun version 1.17.0.25388281\n',
                      self.run_tool('vmrun').out)

    @base.fakes_only
    def test_17_banner_has_a_build(self):
        self.use_product('ws', VERSION='17.6.3')
        self.assertIn('\nvmrun version 1.17.0 build-24583834\n',
                      self.run_tool('vmrun').out)

    @base.fakes_only
    def test_workstation_15_has_no_host_network_section(self):
        self.use_product('ws', VERSION='15.5.7')
        self.assertNotIn('HOST NETWORK', self.run_tool('vmrun').out)


class HostTypeTest(base.ContractCase):

    @base.fakes_only
    def test_ws_asked_of_player(self):
        self.use_product('player')
        result = self.run_tool('vmrun', '-T', 'ws', 'list')
        self.assertEqual(
            (255, 'Unable to connect to host.\nError: Service type '
             'VIX_SERVICEPROVIDER_VMWARE_WORKSTATION was specified, but not '
             'installed\n'), (result.rc, result.out))

    @base.product('ws')
    def test_player_of_a_linux_workstation(self):
        machine = self.make_vm()
        for verb, words in (('snapshot', ['s']), ('pause', [])):
            result = self.run_tool('vmrun', '-T', 'player', verb,
                                   machine.vmx, *words)
            self.assertEqual(
                (255, 'Error: The operation is not supported\n'),
                (result.rc, result.out))
        result = self.run_tool('vmrun', '-T', 'player', 'start', machine.vmx,
                               'nogui')
        self.assertEqual((0, ''), (result.rc, result.out))
        self.assertTrue(machine.is_listed)

    @base.fakes_only
    def test_player_asked_of_workstation_on_windows(self):
        self.knobs['HOST'] = 'windows'
        result = self.run_tool('vmrun', '-T', 'player', 'list')
        self.assertEqual(255, result.rc)
        self.assertIn('Service type VIX_SERVICEPROVIDER_VMWARE_PLAYER was '
                      'specified but not installed\n', result.out)
