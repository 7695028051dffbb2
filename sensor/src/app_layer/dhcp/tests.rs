//! Messages by hand (RFC 2131, section 2).

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::{Transport, testing},
    direction::Direction::ToServer,
};

fn told(options: &[u8]) -> String {
    let message = [&[1; 240], options].concat();
    let parser = testing::parser(AppProtocol::Dhcp, Transport::Udp);
    testing::told_of(parser, &[(ToServer, &message)]).join("|")
}

#[test]
fn times_are_read_and_asked_in_both_directions() {
    let options = b"\x35\x01\x05\x00\x00\x33\x04\0\0\x0e\x10\x3a\x04\0\0\x07\x08\x3b\x04\0\0\x0c\x4e\x33\x04\0\0\0\x01\xff";
    assert_eq!(
        told(options),
        ">DhcpLeaseTime=3600 >DhcpRebindingTime=3150 >DhcpRenewalTime=1800 \
         <DhcpLeaseTime=3600 <DhcpRebindingTime=3150 <DhcpRenewalTime=1800"
    );
}

#[test]
fn options_that_end_too_early_are_told() {
    for options in [
        &b""[..],
        b"\x35\x01\x05",
        b"\x0c\x20name",
        b"\x3d\x01\x01\xff",
        b"\x33\x04\0\0",
    ] {
        assert_eq!(told(options), "!truncated_options", "{options:?}");
    }
    assert_eq!(told(b"\x3d\x02\x01a\xff"), "");
}

#[test]
fn a_message_without_a_whole_header_is_none() {
    let parser = testing::parser(AppProtocol::Dhcp, Transport::Udp);
    assert!(testing::told_of(parser, &[(ToServer, &[1; 239])]).is_empty());
}
