//! The frames that parsers report and `frame` inspects: units of a protocol as they lie in its bytes.
//!
//! Unlike a buffer a frame is not taken apart or normalised: it is a stretch of the stream or of a datagram. Numbers are
//! stable: they stand in packs. Names are the reference's (keyword reference, `frame`).

use super::AppProtocol;

/// On what a frame's protocol runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameCarrier {
    /// TCP only.
    Tcp,
    /// TCP and UDP.
    TcpAndUdp,
}

/// What is fixed about a frame.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo {
    /// Its name without the protocol's.
    pub name: &'static str,
    /// Whose parser reports it; `None` for the one that every protocol on TCP has.
    pub protocol: Option<AppProtocol>,
    /// What it runs on.
    pub carrier: FrameCarrier,
}

macro_rules! frames {
    ($($variant:ident = $number:literal, $protocol:expr, $name:literal, $carrier:ident;)*) => {
        /// A kind of frame.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Frame { $(#[doc = $name] $variant = $number,)* }

        impl Frame {
            /// Every kind, in order of number.
            pub const ALL: &'static [Frame] = &[$(Frame::$variant,)*];

            /// What is fixed about it.
            #[must_use]
            pub fn info(self) -> FrameInfo {
                match self { $(Frame::$variant => FrameInfo { name: $name, protocol: $protocol, carrier: FrameCarrier::$carrier },)* }
            }

            /// The kind with this stable number.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> { match number { $($number => Some(Frame::$variant),)* _ => None } }
        }
    };
}

use AppProtocol as P;
// Numbers stay below 128: a `FrameSet` has a bit for each.
frames! {
    Stream = 1, None, "stream", Tcp;
    SmbNbssPdu = 2, Some(P::Smb), "nbss.pdu", Tcp;
    SmbNbssHeader = 3, Some(P::Smb), "nbss.hdr", Tcp;
    SmbNbssData = 4, Some(P::Smb), "nbss.data", Tcp;
    Smb1Pdu = 5, Some(P::Smb), "smb1.pdu", Tcp;
    Smb1Header = 6, Some(P::Smb), "smb1.hdr", Tcp;
    Smb1Data = 7, Some(P::Smb), "smb1.data", Tcp;
    Smb2Pdu = 8, Some(P::Smb), "smb2.pdu", Tcp;
    Smb2Header = 9, Some(P::Smb), "smb2.hdr", Tcp;
    Smb2Data = 10, Some(P::Smb), "smb2.data", Tcp;
    Smb3Pdu = 11, Some(P::Smb), "smb3.pdu", Tcp;
    Smb3Header = 12, Some(P::Smb), "smb3.hdr", Tcp;
    Smb3Data = 13, Some(P::Smb), "smb3.data", Tcp;
    SipPdu = 14, Some(P::Sip), "pdu", TcpAndUdp;
    SipRequestLine = 15, Some(P::Sip), "request.line", TcpAndUdp;
    SipResponseLine = 16, Some(P::Sip), "response.line", TcpAndUdp;
    SipRequestHeaders = 17, Some(P::Sip), "request.headers", TcpAndUdp;
    SipResponseHeaders = 18, Some(P::Sip), "response.headers", TcpAndUdp;
    SipRequestBody = 19, Some(P::Sip), "request.body", TcpAndUdp;
    SipResponseBody = 20, Some(P::Sip), "response.body", TcpAndUdp;
    DnsPdu = 21, Some(P::Dns), "pdu", TcpAndUdp;
    HttpRequest = 22, Some(P::Http1), "request", Tcp;
    HttpResponse = 23, Some(P::Http1), "response", Tcp;
    TlsPdu = 24, Some(P::Tls), "pdu", Tcp;
    TlsHeader = 25, Some(P::Tls), "hdr", Tcp;
    TlsData = 26, Some(P::Tls), "data", Tcp;
    TlsAlert = 27, Some(P::Tls), "alert", Tcp;
    TlsHeartbeat = 28, Some(P::Tls), "heartbeat", Tcp;
    TlsSsl2Header = 29, Some(P::Tls), "ssl2.hdr", Tcp;
    TlsSsl2Pdu = 30, Some(P::Tls), "ssl2.pdu", Tcp;
    MqttPdu = 31, Some(P::Mqtt), "pdu", Tcp;
    MqttHeader = 32, Some(P::Mqtt), "header", Tcp;
    MqttData = 33, Some(P::Mqtt), "data", Tcp;
    RfbPdu = 34, Some(P::Rfb), "pdu", Tcp;
    TelnetPdu = 35, Some(P::Telnet), "pdu", Tcp;
    TelnetData = 36, Some(P::Telnet), "data", Tcp;
    TelnetControl = 37, Some(P::Telnet), "ctl", Tcp;
    NfsRpcPdu = 38, Some(P::Nfs), "rpc.pdu", TcpAndUdp;
    NfsRpcHeader = 39, Some(P::Nfs), "rpc.hdr", TcpAndUdp;
    NfsRpcData = 40, Some(P::Nfs), "rpc.data", TcpAndUdp;
    NfsRpcCredentials = 41, Some(P::Nfs), "rpc.creds", TcpAndUdp;
    NfsPdu = 42, Some(P::Nfs), "nfs.pdu", TcpAndUdp;
    NfsStatus = 43, Some(P::Nfs), "nfs.status", TcpAndUdp;
    Nfs4Pdu = 44, Some(P::Nfs), "nfs4.pdu", TcpAndUdp;
    Nfs4Header = 45, Some(P::Nfs), "nfs4.hdr", TcpAndUdp;
    Nfs4Operations = 46, Some(P::Nfs), "nfs4.ops", TcpAndUdp;
    Nfs4Status = 47, Some(P::Nfs), "nfs4.status", TcpAndUdp;
}

impl Frame {
    /// The frame of a protocol by its name in rules.
    #[must_use]
    pub fn find(protocol: AppProtocol, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|frame| {
            let info = frame.info();
            info.name == name && info.protocol.is_none_or(|of| of == protocol)
        })
    }
}

/// A set of frames: what the rules in force ask for, so that parsers report nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameSet(u128);

impl FrameSet {
    /// Adds a kind.
    pub fn insert(&mut self, frame: Frame) {
        self.0 |= 1 << (frame as u8 & 0x7f);
    }

    /// Whether a kind is in it.
    #[must_use]
    pub fn contains(self, frame: Frame) -> bool {
        self.0 & (1 << (frame as u8 & 0x7f)) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_frame() {
        for frame in Frame::ALL {
            let info = frame.info();
            assert_eq!(Frame::from_number(*frame as u8), Some(*frame));
            assert!((*frame as u8) < 128);
            let protocol = info.protocol.unwrap_or(AppProtocol::Smb);
            assert_eq!(Frame::find(protocol, info.name), Some(*frame));
            let mut set = FrameSet::default();
            set.insert(*frame);
            assert!(
                Frame::ALL
                    .iter()
                    .all(|other| set.contains(*other) == (other == frame))
            );
        }
        assert_eq!(Frame::find(AppProtocol::Dns, "smb2.pdu"), None);
    }
}
