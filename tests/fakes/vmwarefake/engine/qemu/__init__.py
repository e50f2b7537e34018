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

"""The engine that boots real guests in QEMU.

The knob ``FAKE_VMRUN_ENGINE=qemu`` chooses it; :mod:`.options` describes the
knobs it has besides. Besides QEMU itself, a VM has a disk server for each
disk (:mod:`.disks`), which ends with it, and each virtual network has one
process (:mod:`.vmnetd`), which ends when no VM is on it. Linux only.
"""
