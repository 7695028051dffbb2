//! Link-layer header types, by the numbers of <https://www.tcpdump.org/linktypes.html>.

/// The header a captured frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// 1: Ethernet.
    Ethernet,
    /// 12, 14 and 101: IPv4 or IPv6 without a link header.
    RawIp,
    /// 228: IPv4 without a link header.
    RawIpv4,
    /// 229: IPv6 without a link header.
    RawIpv6,
    /// 0 and 108: BSD loopback, four bytes of address family.
    Loopback,
    /// 113: Linux cooked capture, version 1.
    LinuxCooked,
    /// 276: Linux cooked capture, version 2.
    LinuxCooked2,
    /// 9 and 50: PPP, perhaps in HDLC-like framing.
    Ppp,
    /// 51: PPPoE session.
    PppOverEthernet,
    /// 104: Cisco HDLC.
    CiscoHdlc,
}

impl LinkType {
    /// The type with this number as libpcap tells it, if the decoder knows it.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::RawIp,
            228 => Self::RawIpv4,
            229 => Self::RawIpv6,
            0 | 108 => Self::Loopback,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            9 | 50 => Self::Ppp,
            51 => Self::PppOverEthernet,
            104 => Self::CiscoHdlc,
            _ => return None,
        })
    }
}
