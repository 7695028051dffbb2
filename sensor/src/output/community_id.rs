//! Community ID version 1 (github.com/corelight/community-id-spec): one name for a flow that every tool computes alike.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use crate::decode::Ends;

/// The flow's Community ID with seed 0. For ICMP, `icmp` gives type and code.
#[must_use]
pub fn community_id(ends: &Ends, protocol: u8, icmp: Option<(u8, u8)>) -> String {
    let (source_port, destination_port, is_one_way) = ports(ends, protocol, icmp);
    let forward = (ends.source, source_port);
    let backward = (ends.destination, destination_port);
    let (first, second) = if is_one_way || forward <= backward {
        (forward, backward)
    } else {
        (backward, forward)
    };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for (address, _) in [first, second] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([protocol, 0]);
    if has_ports(protocol) {
        hash.update(first.1.to_be_bytes());
        hash.update(second.1.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 1 | 6 | 17 | 58 | 132)
}

/// Ports, or what stands for them; the last says whether the two ends keep their order.
fn ports(ends: &Ends, protocol: u8, icmp: Option<(u8, u8)>) -> (u16, u16, bool) {
    match (protocol, icmp) {
        (1 | 58, Some((kind, code))) => match answer_type(protocol, kind) {
            Some(answer) => (u16::from(kind), u16::from(answer), false),
            None => (u16::from(kind), u16::from(code), true),
        },
        _ => (ends.source_port, ends.destination_port, false),
    }
}

/// The message type that answers this one.
fn answer_type(protocol: u8, kind: u8) -> Option<u8> {
    Some(match (protocol, kind) {
        (1, 0) => 8,
        (1, 8) => 0,
        (1, 9) => 10,
        (1, 10) => 9,
        (1, 13) => 14,
        (1, 14) => 13,
        (1, 15) => 16,
        (1, 16) => 15,
        (1, 17) => 18,
        (1, 18) => 17,
        (58, 128) => 129,
        (58, 129) => 128,
        (58, 130) => 131,
        (58, 131) => 130,
        (58, 133) => 134,
        (58, 134) => 133,
        (58, 135) => 136,
        (58, 136) => 135,
        (58, 139) => 140,
        (58, 140) => 139,
        (58, 144) => 145,
        (58, 145) => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(source: &str, source_port: u16, destination: &str, destination_port: u16) -> Ends {
        Ends {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            source_port,
            destination_port,
        }
    }

    /// The specification's own examples.
    #[test]
    fn the_specification_s_examples_come_out() {
        let tcp = ends("128.232.110.120", 34855, "66.35.250.204", 80);
        assert_eq!(
            community_id(&tcp, 6, None),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
        let back = ends("66.35.250.204", 80, "128.232.110.120", 34855);
        assert_eq!(
            community_id(&back, 6, None),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        );
        let udp = ends("192.168.1.52", 54585, "8.8.8.8", 53);
        assert_eq!(
            community_id(&udp, 17, None),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ="
        );
        let ping = ends("192.168.0.89", 0, "192.168.0.1", 0);
        assert_eq!(
            community_id(&ping, 1, Some((8, 0))),
            "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="
        );
    }
}
