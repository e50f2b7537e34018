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

"""VMware's ids of guest operating systems, by hardware profile.

Each row has vSphere's spelling and the one that stands in a .vmx, as
open-vm-tools maps them to each other (lib/include/guest_os_tables.h). The
profile is a key of nova_vmrun.formats.guestos.profiles.PROFILES.
"""

GUESTS: dict[str, str] = {}

GUESTS['linux'] = """
rhel7Guest rhel7
rhel7_64Guest rhel7-64
rhel8_64Guest rhel8-64
rhel9_64Guest rhel9-64
rhel10_64Guest rhel10-64
centos7_64Guest centos7-64
centos8_64Guest centos8-64
centos9_64Guest centos9-64
oracleLinux7_64Guest oraclelinux7-64
oracleLinux8_64Guest oraclelinux8-64
oracleLinux9_64Guest oraclelinux9-64
oracleLinux10_64Guest oraclelinux10-64
sles12Guest sles12
sles12_64Guest sles12-64
sles15_64Guest sles15-64
sles16_64Guest sles16-64
ubuntuGuest ubuntu
ubuntu64Guest ubuntu-64
debian8Guest debian8
debian8_64Guest debian8-64
debian9Guest debian9
debian9_64Guest debian9-64
debian10Guest debian10
debian10_64Guest debian10-64
debian11Guest debian11
debian11_64Guest debian11-64
debian12Guest debian12
debian12_64Guest debian12-64
debian13Guest debian13
debian13_64Guest debian13-64
asianux7_64Guest asianux7-64
asianux8_64Guest asianux8-64
asianux9_64Guest asianux9-64
miraclelinux_64Guest miraclelinux-64
pardus_64Guest pardus-64
opensuseGuest opensuse
opensuse64Guest opensuse-64
fedoraGuest fedora
fedora64Guest fedora-64
coreos64Guest coreos-64
vmwarePhoton64Guest vmware-photon-64
other3xLinuxGuest other3xlinux
other3xLinux64Guest other3xlinux-64
other4xLinuxGuest other4xlinux
other4xLinux64Guest other4xlinux-64
other5xLinuxGuest other5xlinux
other5xLinux64Guest other5xlinux-64
other6xLinuxGuest other6xlinux
other6xLinux64Guest other6xlinux-64
other7xLinuxGuest other7xlinux
other7xLinux64Guest other7xlinux-64
otherLinuxGuest otherlinux
otherLinux64Guest otherlinux-64
genericLinuxGuest genericlinux
amazonlinux2_64Guest amazonlinux2-64
amazonlinux3_64Guest amazonlinux3-64
almalinux_64Guest almalinux-64
fusionos_64Guest fusionos-64
rockylinux_64Guest rockylinux-64
prolinux_64Guest prolinux-64
kylinlinux_64Guest kylinlinux-64
flatcar_64Guest flatcar-64
crxPod1Guest CRXPod1-64
crxSys1Guest CRXSys1-64
centos7Guest centos7
oracleLinux7Guest oraclelinux7
"""

GUESTS['linux-legacy'] = """
redhatGuest redhat
rhel2Guest rhel2
rhel3Guest rhel3
rhel3_64Guest rhel3-64
rhel4Guest rhel4
rhel4_64Guest rhel4-64
rhel5Guest rhel5
rhel5_64Guest rhel5-64
rhel6Guest rhel6
rhel6_64Guest rhel6-64
centosGuest centos
centos64Guest centos-64
centos6Guest centos6
centos6_64Guest centos6-64
oracleLinuxGuest oraclelinux
oracleLinux64Guest oraclelinux-64
oracleLinux6Guest oraclelinux6
oracleLinux6_64Guest oraclelinux6-64
suseGuest suse
suse64Guest suse-64
slesGuest sles
sles64Guest sles-64
sles10Guest sles10
sles10_64Guest sles10-64
sles11Guest sles11
sles11_64Guest sles11-64
mandrakeGuest mandrake
mandrivaGuest mandriva
mandriva64Guest mandriva-64
turboLinuxGuest turbolinux
turboLinux64Guest turbolinux-64
debian4Guest debian4
debian4_64Guest debian4-64
debian5Guest debian5
debian5_64Guest debian5-64
debian6Guest debian6
debian6_64Guest debian6-64
debian7Guest debian7
debian7_64Guest debian7-64
asianux3Guest asianux3
asianux3_64Guest asianux3-64
asianux4Guest asianux4
asianux4_64Guest asianux4-64
asianux5_64Guest asianux5-64
nld9Guest nld9
oesGuest oes
sjdsGuest sjds
other24xLinuxGuest other24xlinux
other24xLinux64Guest other24xlinux-64
other26xLinuxGuest other26xlinux
other26xLinux64Guest other26xlinux-64
"""

GUESTS['windows-11'] = """
windows11_64Guest windows11-64
windows12_64Guest windows12-64
"""

GUESTS['windows-10'] = """
windows9Guest windows9
windows9_64Guest windows9-64
"""

GUESTS['windows-8'] = """
windows8Guest windows8
windows8_64Guest windows8-64
"""

GUESTS['windows-7'] = """
winVistaGuest winvista
winVista64Guest winvista-64
windows7Guest windows7
windows7_64Guest windows7-64
"""

GUESTS['windows-2016'] = """
windows9Server64Guest windows9srv-64
windows2019srv_64Guest windows2019srv-64
windows2019srvNext_64Guest windows2019srvNext-64
windows2022srvNext_64Guest windows2022srvNext-64
"""

GUESTS['windows-2012'] = """
windows8Server64Guest windows8srv-64
"""

GUESTS['windows-2008'] = """
winLonghornGuest longhorn
winLonghorn64Guest longhorn-64
windows7Server64Guest windows7srv-64
windowsHyperVGuest winHyperV
"""

GUESTS['windows-2003-64'] = """
winNetStandard64Guest winNetStandard-64
winNetEnterprise64Guest winNetEnterprise-64
winNetDatacenter64Guest winNetDatacenter-64
"""

GUESTS['windows-2003'] = """
winNetWebGuest winNetWeb
winNetStandardGuest winNetStandard
winNetEnterpriseGuest winNetEnterprise
winNetDatacenterGuest winNetDatacenter
winNetBusinessGuest winNetBusiness
"""

GUESTS['windows-xp-64'] = """
winXPPro64Guest winXPPro-64
"""

GUESTS['windows-xp'] = """
win31Guest win31
win95Guest win95
win98Guest win98
winMeGuest winMe
winNTGuest winNT
win2000ProGuest win2000Pro
win2000ServGuest win2000Serv
win2000AdvServGuest win2000AdvServ
winXPHomeGuest winXPHome
winXPProGuest winXPPro
"""

GUESTS['bsd'] = """
freebsdGuest freeBSD
freebsd64Guest freeBSD-64
freebsd11Guest freeBSD11
freebsd11_64Guest freeBSD11-64
freebsd12Guest freeBSD12
freebsd12_64Guest freeBSD12-64
freebsd13Guest freeBSD13
freebsd13_64Guest freeBSD13-64
freebsd14Guest freeBSD14
freebsd14_64Guest freeBSD14-64
freebsd15Guest freeBSD15
freebsd15_64Guest freeBSD15-64
"""

GUESTS['solaris-11'] = """
solaris11_64Guest solaris11-64
"""

GUESTS['solaris-10'] = """
solaris10Guest solaris10
solaris10_64Guest solaris10-64
"""

GUESTS['solaris-9'] = """
solaris6Guest solaris6
solaris7Guest solaris7
solaris8Guest solaris8
solaris9Guest solaris9
"""

GUESTS['darwin'] = """
darwinGuest darwin
darwin64Guest darwin-64
darwin10Guest darwin10
darwin10_64Guest darwin10-64
darwin11Guest darwin11
darwin11_64Guest darwin11-64
darwin12_64Guest darwin12-64
darwin13_64Guest darwin13-64
darwin14_64Guest darwin14-64
darwin15_64Guest darwin15-64
darwin16_64Guest darwin16-64
darwin17_64Guest darwin17-64
darwin18_64Guest darwin18-64
darwin19_64Guest darwin19-64
darwin20_64Guest darwin20-64
darwin21_64Guest darwin21-64
darwin22_64Guest darwin22-64
darwin23_64Guest darwin23-64
"""

GUESTS['esxi-7'] = """
vmkernel7Guest vmkernel7
vmkernel8Guest vmkernel8
vmkernel9Guest vmkernel9
"""

GUESTS['esxi-6'] = """
vmkernelGuest vmkernel
vmkernel5Guest vmkernel5
vmkernel6Guest vmkernel6
vmkernel65Guest vmkernel65
"""

GUESTS['other-64'] = """
otherGuest64 other-64
"""

GUESTS['other'] = """
netware4Guest netware4
netware5Guest netware5
netware6Guest netware6
dosGuest dos
os2Guest os2
eComStationGuest eComStation
eComStation2Guest eComStation2
openServer5Guest openserver5
openServer6Guest openserver6
unixWare7Guest unixware7
otherGuest other
"""

# VMware's ids for Apple silicon have no vSphere spelling of their own.
GUESTS['arm'] = """
- arm-ubuntu-64
- arm-debian11-64
- arm-debian12-64
- arm-debian13-64
- arm-fedora-64
- arm-rhel9-64
- arm-rhel10-64
- arm-rockylinux-64
- arm-almalinux-64
- arm-opensuse-64
- arm-sles15-64
- arm-other5xlinux-64
- arm-other6xlinux-64
- arm-vmware-photon-64
- arm-freebsd13-64
- arm-freebsd14-64
- arm-other-64
"""

GUESTS['arm-windows'] = """
- arm-windows10-64
- arm-windows11-64
"""
