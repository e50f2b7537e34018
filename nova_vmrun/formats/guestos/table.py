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

"""VMware's ids of guest operating systems, one row per id.

A row starts with the id as a .vmx has it and vSphere's id, as open-vm-tools
maps them to each other (lib/include/guest_os_tables.h); VMware's ids for Apple
silicon (arm-) have no vSphere id (-). The rows stand under their hardware
profile, a key of nova_vmrun.formats.guestos.profiles.PROFILES. A row continues
in indented lines and may have:

since=VERSION:ID
    the first virtualHW.version that knows the id, and the closest id for older
    ones; 20 is Workstation 17 and Fusion 13, 22 is 25H2
os=NAME or os=NAME:VERSION
    values of os_distro, with the first major version that the id is for
win=PATTERN
    a regular expression that is found in an os_version of Windows
aka=NAME
    other spellings that VMware accepts; {server} and {vista} stand for each of
    the EDITIONS
vbox=WORD
    VirtualBox's words for it in an OVF, without the bits and in lower case; a
    word without a release stands for every release that has no id
cim=NUMBER
    values of CIM_OperatingSystem.OSType (DMTF) in an OVF
nested
    it is a hypervisor, although its profile does not say so

The 64-bit id has the os, win and vbox entries for its 32-bit sibling too.
"""

EDITIONS = {
    'server': (
        'Cluster', 'Datacenter', 'DatacenterCore', 'Enterprise',
        'EnterpriseCore', 'EnterpriseItanium', 'SmallBusiness',
        'SmallBusinessPremium', 'Standard', 'StandardCore',
        'MediumManagement', 'MediumMessaging', 'MediumSecurity',
        'ForSmallBusiness', 'StorageEnterprise', 'StorageExpress',
        'StorageStandard', 'StorageWorkgroup', 'Web'),
    'vista': ('Ultimate', 'HomePremium', 'HomeBasic', 'Enterprise',
              'Business', 'Starter'),
}
GUESTS: dict[str, str] = {}

GUESTS['linux'] = r"""
rhel7 rhel7Guest
rhel7-64 rhel7_64Guest os=rhel:7 vbox=redhat7
rhel8-64 rhel8_64Guest os=rhel:8 vbox=redhat8
rhel9-64 rhel9_64Guest since=20:rhel8-64 os=rhel:9 vbox=redhat9,redhat cim=80
rhel10-64 rhel10_64Guest since=22:rhel9-64 os=rhel:10 vbox=redhat10
centos7-64 centos7_64Guest os=centos:7
centos8-64 centos8_64Guest os=centos:8
centos9-64 centos9_64Guest os=centos:9
oraclelinux7-64 oracleLinux7_64Guest os=oraclelinux:7 vbox=oracle7
oraclelinux8-64 oracleLinux8_64Guest os=oraclelinux:8 vbox=oracle8
oraclelinux9-64 oracleLinux9_64Guest os=oraclelinux:9 vbox=oracle9
oraclelinux10-64 oracleLinux10_64Guest since=22:oraclelinux9-64
    os=oraclelinux:10 vbox=oracle10
sles12 sles12Guest
sles12-64 sles12_64Guest os=sles:12
sles15-64 sles15_64Guest os=sles:15 vbox=suse
sles16-64 sles16_64Guest since=22:sles15-64 os=sles:16
ubuntu ubuntuGuest cim=93
ubuntu-64 ubuntu64Guest os=ubuntu,linuxmint,pop,elementary,neon,zorin
    vbox=ubuntu,xubuntu,lubuntu cim=94
debian8 debian8Guest
debian8-64 debian8_64Guest os=debian:8 vbox=debian8
debian9 debian9Guest
debian9-64 debian9_64Guest os=debian:9 vbox=debian9
debian10 debian10Guest
debian10-64 debian10_64Guest os=debian:10 vbox=debian10
debian11 debian11Guest since=20:debian10
debian11-64 debian11_64Guest since=20:debian10-64 os=debian:11 vbox=debian11
debian12 debian12Guest since=20:debian11 cim=95
debian12-64 debian12_64Guest since=20:debian11-64 os=debian:12
    vbox=debian12,debian cim=96
debian13 debian13Guest since=22:debian12
debian13-64 debian13_64Guest since=22:debian12-64 os=debian:13 vbox=debian13
asianux7-64 asianux7_64Guest os=asianux:7
asianux8-64 asianux8_64Guest os=asianux:8
asianux9-64 asianux9_64Guest os=asianux:9
miraclelinux-64 miraclelinux_64Guest os=miraclelinux
pardus-64 pardus_64Guest os=pardus
opensuse opensuseGuest
opensuse-64 opensuse64Guest os=opensuse,opensuse-leap,opensuse-tumbleweed,suse
    vbox=opensuse
fedora fedoraGuest
fedora-64 fedora64Guest os=fedora,fedora-coreos,silverblue vbox=fedora
coreos-64 coreos64Guest os=coreos
vmware-photon-64 vmwarePhoton64Guest os=photon
other3xlinux other3xLinuxGuest
other3xlinux-64 other3xLinux64Guest
other4xlinux other4xLinuxGuest since=14:otherlinux
other4xlinux-64 other4xLinux64Guest since=14:otherlinux-64
other5xlinux other5xLinuxGuest since=18:other4xlinux
other5xlinux-64 other5xLinux64Guest since=18:other4xlinux-64
other6xlinux other6xLinuxGuest since=20:other5xlinux
other6xlinux-64 other6xLinux64Guest since=20:other5xlinux-64
    os=mageia,arch,archlinux,gentoo,alpine,alpinelinux,cirros,nixos,void
    os=slackware,clearlinux,linux,talos,openwrt
other7xlinux other7xLinuxGuest since=22:other6xlinux
other7xlinux-64 other7xLinux64Guest since=22:other6xlinux-64
otherlinux otherLinuxGuest aka=linux cim=36
otherlinux-64 otherLinux64Guest vbox=linux,arch,archlinux,gentoo,xandros
    cim=101
genericlinux genericLinuxGuest
amazonlinux2-64 amazonlinux2_64Guest os=amazonlinux:2
amazonlinux3-64 amazonlinux3_64Guest os=amazonlinux:2023
almalinux-64 almalinux_64Guest os=alma,almalinux
fusionos-64 fusionos_64Guest os=fusionos
rockylinux-64 rockylinux_64Guest os=rocky,rockylinux
prolinux-64 prolinux_64Guest os=prolinux
kylinlinux-64 kylinlinux_64Guest os=kylin,kylinlinux
flatcar-64 flatcar_64Guest os=flatcar
CRXPod1-64 crxPod1Guest
CRXSys1-64 crxSys1Guest
centos7 centos7Guest
oraclelinux7 oracleLinux7Guest
"""

GUESTS['linux-legacy'] = r"""
redhat redhatGuest
rhel2 rhel2Guest os=rhel:2 vbox=redhat2
rhel3 rhel3Guest
rhel3-64 rhel3_64Guest os=rhel:3 vbox=redhat3
rhel4 rhel4Guest
rhel4-64 rhel4_64Guest os=rhel:4 vbox=redhat4
rhel5 rhel5Guest
rhel5-64 rhel5_64Guest os=rhel:5 vbox=redhat5
rhel6 rhel6Guest cim=79
rhel6-64 rhel6_64Guest os=rhel:6 vbox=redhat6
centos centosGuest cim=106
centos-64 centos64Guest os=centos:4 cim=107
centos6 centos6Guest
centos6-64 centos6_64Guest os=centos:6
oraclelinux oracleLinuxGuest cim=108
oraclelinux-64 oracleLinux64Guest os=oraclelinux:4 vbox=oracle cim=109
oraclelinux6 oracleLinux6Guest
oraclelinux6-64 oracleLinux6_64Guest os=oraclelinux:6 vbox=oracle6
suse suseGuest cim=82
suse-64 suse64Guest cim=83
sles slesGuest cim=84
sles-64 sles64Guest os=sles:9 cim=85
sles10 sles10Guest
sles10-64 sles10_64Guest os=sles:10
sles11 sles11Guest
sles11-64 sles11_64Guest os=sles:11
mandrake mandrakeGuest os=mandrake
mandriva mandrivaGuest cim=88
mandriva-64 mandriva64Guest os=mandriva aka=mandrake-64 vbox=mandriva cim=89
turbolinux turboLinuxGuest cim=90
turbolinux-64 turboLinux64Guest os=turbolinux vbox=turbolinux cim=91
debian4 debian4Guest
debian4-64 debian4_64Guest os=debian:4 vbox=debian4,debian31
debian5 debian5Guest
debian5-64 debian5_64Guest os=debian:5 vbox=debian5
debian6 debian6Guest
debian6-64 debian6_64Guest os=debian:6 vbox=debian6
debian7 debian7Guest
debian7-64 debian7_64Guest os=debian:7 vbox=debian7
asianux3 asianux3Guest
asianux3-64 asianux3_64Guest os=asianux:3
asianux4 asianux4Guest
asianux4-64 asianux4_64Guest os=asianux:4
asianux5-64 asianux5_64Guest os=asianux:5
nld9 nld9Guest
oes oesGuest
sjds sjdsGuest
other24xlinux other24xLinuxGuest cim=97
other24xlinux-64 other24xLinux64Guest vbox=linux24 cim=98
other26xlinux other26xLinuxGuest cim=99
other26xlinux-64 other26xLinux64Guest cim=100
"""

GUESTS['windows-11'] = r"""
windows11-64 windows11_64Guest since=20:windows9-64 win=^11 vbox=windows11
windows12-64 windows12_64Guest since=22:windows11-64 win=^12
"""

GUESTS['windows-10'] = r"""
windows9 windows9Guest cim=119
windows9-64 windows9_64Guest win=^10 vbox=windowsnt,windows10,windows cim=120
"""

GUESTS['windows-8'] = r"""
windows8 windows8Guest cim=113,117
windows8-64 windows8_64Guest win=^8 vbox=windows8,windows81 cim=114,118
"""

GUESTS['windows-7'] = r"""
winvista winVistaGuest aka=winVista{vista}-32 cim=73
winvista-64 winVista64Guest win=vista aka=winVista{vista}-64 vbox=windowsvista
    cim=74
windows7 windows7Guest cim=105
windows7-64 windows7_64Guest win=^7 vbox=windows7
"""

GUESTS['windows-2016'] = r"""
windows9srv-64 windows9Server64Guest win=2016 vbox=windows2016 cim=116
windows2019srv-64 windows2019srv_64Guest since=16:windows9srv-64 win=2019
    vbox=windows2019
windows2019srvNext-64 windows2019srvNext_64Guest since=18:windows2019srv-64
    win=2022 vbox=windows2022
windows2022srvNext-64 windows2022srvNext_64Guest since=22:windows2019srvNext-64
    win=2025 vbox=windows2025
"""

GUESTS['windows-2012'] = r"""
windows8srv-64 windows8Server64Guest win=2012 vbox=windows2012 cim=112,115
"""

GUESTS['windows-2008'] = r"""
longhorn winLonghornGuest aka=winServer2008{server}-32 cim=76
longhorn-64 winLonghorn64Guest win=2008(?!\s?-?r2) aka=winServer2008{server}-64
    vbox=windows2008 cim=77
windows7srv-64 windows7Server64Guest win=2008\s?-?r2 cim=103
winHyperV windowsHyperVGuest os=hyperv,hyper-v win=hyper-?v nested
"""

GUESTS['windows-2003-64'] = r"""
winNetStandard-64 winNetStandard64Guest vbox=windows2003 cim=70
winNetEnterprise-64 winNetEnterprise64Guest win=2003
winNetDatacenter-64 winNetDatacenter64Guest
"""

GUESTS['windows-2003'] = r"""
winNetWeb winNetWebGuest
winNetStandard winNetStandardGuest cim=69
winNetEnterprise winNetEnterpriseGuest
winNetDatacenter winNetDatacenterGuest
winNetBusiness winNetBusinessGuest
"""

GUESTS['windows-xp-64'] = r"""
winXPPro-64 winXPPro64Guest win=xp vbox=windowsxp cim=71
"""

GUESTS['windows-xp'] = r"""
win31 win31Guest vbox=windows31 cim=16,68
win95 win95Guest win=^95 vbox=windows95 cim=17
win98 win98Guest win=^98 vbox=windows98 cim=18
winMe winMeGuest win=^me$ vbox=windowsme cim=65
winNT winNTGuest win=^nt aka=nt4 vbox=windowsnt3,windowsnt4 cim=20
win2000Pro win2000ProGuest aka=win2000 vbox=windows2000 cim=58,63
win2000Serv win2000ServGuest win=2000
win2000AdvServ win2000AdvServGuest
winXPHome winXPHomeGuest
winXPPro winXPProGuest aka=whistler cim=67
"""

GUESTS['bsd'] = r"""
freeBSD freebsdGuest cim=42
freeBSD-64 freebsd64Guest os=freebsd:1 vbox=freebsd cim=78
freeBSD11 freebsd11Guest
freeBSD11-64 freebsd11_64Guest os=freebsd:11
freeBSD12 freebsd12Guest
freeBSD12-64 freebsd12_64Guest os=freebsd:12
freeBSD13 freebsd13Guest
freeBSD13-64 freebsd13_64Guest os=freebsd:13
freeBSD14 freebsd14Guest
freeBSD14-64 freebsd14_64Guest os=freebsd:14
freeBSD15 freebsd15Guest since=22:freeBSD14
freeBSD15-64 freebsd15_64Guest since=22:freeBSD14-64 os=freebsd:15
"""

GUESTS['solaris-11'] = r"""
solaris11-64 solaris11_64Guest
    os=opensolaris,openindiana,omnios,smartos,illumos,solaris:11
    vbox=solaris11,opensolaris
"""

GUESTS['solaris-10'] = r"""
solaris10 solaris10Guest cim=29,30
solaris10-64 solaris10_64Guest os=solaris:10 vbox=solaris10,solaris cim=81
"""

GUESTS['solaris-9'] = r"""
solaris6 solaris6Guest os=solaris:6
solaris7 solaris7Guest os=solaris:7
solaris8 solaris8Guest os=solaris:8
solaris9 solaris9Guest os=solaris:9
"""

GUESTS['darwin'] = r"""
darwin darwinGuest
darwin-64 darwin64Guest
darwin10 darwin10Guest
darwin10-64 darwin10_64Guest
darwin11 darwin11Guest
darwin11-64 darwin11_64Guest
darwin12-64 darwin12_64Guest
darwin13-64 darwin13_64Guest
darwin14-64 darwin14_64Guest
darwin15-64 darwin15_64Guest
darwin16-64 darwin16_64Guest
darwin17-64 darwin17_64Guest
darwin18-64 darwin18_64Guest
darwin19-64 darwin19_64Guest os=macos:10 vbox=macos
darwin20-64 darwin20_64Guest os=macos:11
darwin21-64 darwin21_64Guest os=macos:12
darwin22-64 darwin22_64Guest os=macos:13
darwin23-64 darwin23_64Guest os=macos:14
"""

GUESTS['esxi-7'] = r"""
vmkernel7 vmkernel7Guest os=esxi:7
vmkernel8 vmkernel8Guest os=esxi:8
vmkernel9 vmkernel9Guest since=22:vmkernel8 os=esxi:9
"""

GUESTS['esxi-6'] = r"""
vmkernel vmkernelGuest os=esxi:4
vmkernel5 vmkernel5Guest os=esxi:5
vmkernel6 vmkernel6Guest
vmkernel65 vmkernel65Guest os=esxi:6
"""

GUESTS['other-64'] = r"""
other-64 otherGuest64 os=openbsd,netbsd,dragonflybsd,haiku,reactos
    vbox=openbsd,netbsd,other
"""

GUESTS['other'] = r"""
netware4 netware4Guest os=netware:4
netware5 netware5Guest os=netware:5
netware6 netware6Guest os=netware:6 vbox=netware
dos dosGuest os=freedos,msdos,dos vbox=dos
os2 os2Guest os=os2 aka=os2experimental vbox=os
eComStation eComStationGuest
eComStation2 eComStation2Guest
openserver5 openServer5Guest
openserver6 openServer6Guest
unixware7 unixWare7Guest
other otherGuest
"""

GUESTS['arm'] = r"""
arm-ubuntu-64 -
arm-debian11-64 -
arm-debian12-64 -
arm-debian13-64 - since=22:arm-debian12-64
arm-fedora-64 -
arm-rhel9-64 -
arm-rhel10-64 - since=22:arm-rhel9-64
arm-rockylinux-64 -
arm-almalinux-64 -
arm-opensuse-64 -
arm-sles15-64 -
arm-other5xlinux-64 -
arm-other6xlinux-64 -
arm-vmware-photon-64 -
arm-freebsd13-64 -
arm-freebsd14-64 -
arm-other-64 -
"""

GUESTS['arm-windows'] = r"""
arm-windows10-64 -
arm-windows11-64 -
"""
