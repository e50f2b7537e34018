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

"""The guestOS ids that the products know.

From VMware's own table in open-vm-tools (lib/include/guest_os_tables.h),
which are case-insensitive. It includes old spellings that the products still
accept; of the 2008 and Vista editions it has only the common ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmwarefake import product as products

_IDS = """
    win31 win95 win98 winMe winNT win2000Pro win2000Serv win2000AdvServ
    winXPHome winXPPro winXPPro-64 winNetWeb winNetStandard
    winNetEnterprise winNetDatacenter winNetBusiness winNetStandard-64
    winNetEnterprise-64 winNetDatacenter-64 longhorn longhorn-64 winvista
    winvista-64 windows7 windows7-64 windows7srv-64 windows8 windows8-64
    windows8srv-64 windows9 windows9-64 windows11-64 windows12-64
    windows9srv-64 windows2019srv-64 windows2019srvNext-64
    windows2022srvNext-64 winHyperV redhat rhel2 rhel3 rhel3-64 rhel4
    rhel4-64 rhel5 rhel5-64 rhel6 rhel6-64 rhel7 rhel7-64 rhel8-64 rhel9-64
    rhel10-64 centos centos-64 centos6 centos6-64 centos7-64 centos8-64
    centos9-64 oraclelinux oraclelinux-64 oraclelinux6 oraclelinux6-64
    oraclelinux7-64 oraclelinux8-64 oraclelinux9-64 oraclelinux10-64 suse
    suse-64 sles sles-64 sles10 sles10-64 sles11 sles11-64 sles12 sles12-64
    sles15-64 sles16-64 mandrake mandriva mandriva-64 turbolinux
    turbolinux-64 ubuntu ubuntu-64 debian4 debian4-64 debian5 debian5-64
    debian6 debian6-64 debian7 debian7-64 debian8 debian8-64 debian9
    debian9-64 debian10 debian10-64 debian11 debian11-64 debian12
    debian12-64 debian13 debian13-64 asianux3 asianux3-64 asianux4
    asianux4-64 asianux5-64 asianux7-64 asianux8-64 asianux9-64
    miraclelinux-64 pardus-64 nld9 oes sjds opensuse opensuse-64 fedora
    fedora-64 coreos-64 vmware-photon-64 other24xlinux other24xlinux-64
    other26xlinux other26xlinux-64 other3xlinux other3xlinux-64
    other4xlinux other4xlinux-64 other5xlinux other5xlinux-64 other6xlinux
    other6xlinux-64 other7xlinux other7xlinux-64 otherlinux otherlinux-64
    genericlinux amazonlinux2-64 amazonlinux3-64 almalinux-64 fusionos-64
    rockylinux-64 prolinux-64 kylinlinux-64 flatcar-64 netware4 netware5
    netware6 solaris6 solaris7 solaris8 solaris9 solaris10 solaris10-64
    solaris11-64 dos os2 eComStation eComStation2 freeBSD freeBSD-64
    freeBSD11 freeBSD11-64 freeBSD12 freeBSD12-64 freeBSD13 freeBSD13-64
    freeBSD14 freeBSD14-64 freeBSD15 freeBSD15-64 openserver5 openserver6
    unixware7 other other-64 darwin darwin-64 darwin10 darwin10-64 darwin11
    darwin11-64 darwin12-64 darwin13-64 darwin14-64 darwin15-64 darwin16-64
    darwin17-64 darwin18-64 darwin19-64 darwin20-64 darwin21-64 darwin22-64
    darwin23-64 CRXPod1-64 CRXSys1-64 vmkernel vmkernel5 vmkernel6
    vmkernel65 vmkernel7 vmkernel8 vmkernel9
"""

_OLD_SPELLINGS = """
    nt4 win2000 whistler centos7 oraclelinux7 mandrake-64 linux
    os2experimental winServer2008Standard-32 winServer2008Standard-64
    winServer2008Enterprise-32 winServer2008Enterprise-64
    winServer2008Datacenter-32 winServer2008Datacenter-64
    winServer2008Web-32 winServer2008Web-64 winServer2008Cluster-32
    winServer2008Cluster-64 winServer2008SmallBusiness-32
    winServer2008SmallBusiness-64 winVistaPro winVistaPro-64 winVistaHome
    winVistaHome-64 winVistaUltimate winVistaUltimate-64 winVistaEnterprise
    winVistaEnterprise-64 winVistaBusiness winVistaBusiness-64
"""

#: Known since 25H2 (25.0.0). The sources are unclear about some of these
#: (strictest reading).
_FROM_25 = """
    windows12-64 windows2022srvNext-64 rhel10-64 oraclelinux10-64 sles16-64
    debian13 debian13-64 other7xlinux other7xlinux-64 freeBSD15
    freeBSD15-64
"""

#: Fusion on Apple silicon; the ids start with ``arm-``.
_ARM = """
    windows11-64 windows10-64 ubuntu-64 debian11-64 debian12-64 debian13-64
    fedora-64 rhel9-64 rhel10-64 rockylinux-64 almalinux-64 opensuse-64
    sles15-64 other5xlinux-64 other6xlinux-64 vmware-photon-64 freebsd13-64
    freebsd14-64 other-64
"""


def known(guest: str, product: products.Product) -> bool:
    """Return whether ``product`` can power on a VM with this guestOS."""
    guest = guest.lower()
    if guest.startswith('arm-'):
        return product.kind == 'fusion' and guest[4:] in _ARM.lower().split()
    if guest in _FROM_25.lower().split():
        return product.numbers >= (25, 0)
    return guest in (_IDS + _OLD_SPELLINGS).lower().split()
