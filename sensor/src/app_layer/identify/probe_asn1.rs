//! Looks at protocols that are ASN.1 elements: Kerberos, LDAP and SNMP.

use der_parser::{
    asn1_rs::{Class, FromDer, Header},
    der::parse_der_sequence,
};
use lapwing_rules::model::AppProtocol as P;

use super::Verdict;
use crate::{
    app_layer::{Transport, ldap::is_ldap},
    direction::Direction,
};

/// Longest record of a stream that is believed.
const KERBEROS_RECORD_BYTES: u32 = 16_384;

/// Kerberos: an application tag around a sequence whose first member is version 5 (RFC 4120, section 5.10).
pub(super) fn kerberos_udp(_: Direction, bytes: &[u8]) -> Verdict {
    if bytes.len() <= 10 {
        return Verdict::Unknown;
    }
    if is_kerberos(bytes).unwrap_or_default() {
        Verdict::Identified(P::Krb5)
    } else {
        Verdict::Unknown
    }
}

/// The same behind a record mark.
pub(super) fn kerberos_tcp(_: Direction, bytes: &[u8]) -> Verdict {
    match bytes.split_first_chunk::<4>() {
        Some((mark, message)) if message.len() > 10 => {
            let is_short = u32::from_be_bytes(*mark) <= KERBEROS_RECORD_BYTES;
            if is_short && is_kerberos(message).unwrap_or_default() {
                Verdict::Identified(P::Krb5)
            } else {
                Verdict::Unknown
            }
        }
        _ => Verdict::Undecided,
    }
}

fn is_kerberos(bytes: &[u8]) -> Option<bool> {
    let (sequence, header) = Header::from_der(bytes).ok()?;
    if header.class() != Class::Application
        || header.tag().0 > 30
        || sequence.first() != Some(&0x30)
    {
        return Some(false);
    }
    let (members, _) = Header::from_der(sequence).ok()?;
    // Behind the two bytes of the member's own tag: the integer 5.
    Some(members.get(2..5)? == [2, 1, 5] && members.len() > 5)
}

/// LDAP: a sequence, a number, and an operation that the direction may carry, on any port.
pub(super) fn ldap(transport: Transport, direction: Direction, bytes: &[u8]) -> Verdict {
    match is_ldap(direction, bytes) {
        Some(true) => Verdict::Identified(P::Ldap),
        None if transport == Transport::Tcp => Verdict::Undecided,
        Some(false) | None => Verdict::Unknown,
    }
}

/// SNMP: a whole sequence of the right number of members, whose own sequences are whole as well, the first of them a known version.
pub(super) fn snmp(_: Direction, bytes: &[u8]) -> Verdict {
    match snmp_version(bytes) {
        Some(_) => Verdict::Identified(P::Snmp),
        None => Verdict::Unknown,
    }
}

fn snmp_version(bytes: &[u8]) -> Option<u32> {
    let (_, message) = parse_der_sequence(bytes).ok()?;
    let members = message.as_sequence().ok()?;
    let version = members.first()?.as_u32().ok()?;
    // Version 3 has header data, security parameters and the scoped PDU; the others have a community and the PDU.
    matches!((members.len(), version), (3, 0 | 1) | (4, 3)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"\x6a\x0f\x30\x0d\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x01\x00";

    #[test]
    fn kerberos_is_told_by_its_version() {
        let identified = Verdict::Identified(P::Krb5);
        assert_eq!(kerberos_udp(Direction::ToServer, REQUEST), identified);
        let mut other = REQUEST.to_vec();
        other[8] = 4;
        assert_eq!(kerberos_udp(Direction::ToServer, &other), Verdict::Unknown);
        let record = [&[0, 0, 0, 17], REQUEST].concat();
        for length in 0..=14 {
            let probed = kerberos_tcp(Direction::ToServer, &record[..length]);
            assert_eq!(probed, Verdict::Undecided);
        }
        assert_eq!(kerberos_tcp(Direction::ToServer, &record), identified);
        let long = [&[1, 0, 0, 17], REQUEST].concat();
        assert_eq!(kerberos_tcp(Direction::ToServer, &long), Verdict::Unknown);
    }

    #[test]
    fn snmp_is_told_by_version_and_number_of_members() {
        let identified = Verdict::Identified(P::Snmp);
        let probed = |bytes: &[u8]| snmp(Direction::ToServer, bytes);
        assert_eq!(
            probed(b"\x30\x09\x02\x01\x01\x04\x02pw\xa0\x00"),
            identified
        );
        assert_eq!(
            probed(b"\x30\x09\x02\x01\x02\x04\x02pw\xa0\x00"),
            Verdict::Unknown
        );
        assert_eq!(
            probed(b"\x30\x0a\x02\x01\x01\x04\x02pw\xa0\x00"),
            Verdict::Unknown
        );
        assert_eq!(
            probed(b"\x30\x09\x02\x01\x03\x30\x00\x04\x00\x30\x00"),
            identified
        );
        assert_eq!(
            probed(b"\x30\x09\x02\x01\x03\x04\x02pw\xa0\x00"),
            Verdict::Unknown
        );
    }
}
