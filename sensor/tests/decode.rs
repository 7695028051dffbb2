//! Link layers, tags, tunnels, IP, fragments: frames made by hand, and whatever bytes come along.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::net::Ipv4Addr;

use lapwing_sensor::{
    capture::LinkType,
    decode::{DecodeSettings, PacketOrigin},
    pipeline::PipelineSettings,
    settings::EngineSettings,
};
use proptest::prelude::*;
use support::{Bench, CLIENT, SERVER, ethernet, ipv4, ipv4_fragment, udp};

fn datagram(payload: &[u8]) -> Vec<u8> {
    ipv4(CLIENT, SERVER, 17, &udp(1111, 2222, payload))
}

#[test]
fn every_link_type_leads_to_the_same_packet() {
    let packet = datagram(b"hello");
    let with = |header: &[u8]| [header, &packet].concat();
    let cooked = [&[0; 14][..], &[8, 0]].concat();
    let cooked_2 = [&[8, 0][..], &[0; 18]].concat();
    for (link_type, frame) in [
        (LinkType::Ethernet, ethernet(0x0800, &packet)),
        (LinkType::RawIp, packet.clone()),
        (LinkType::RawIpv4, packet.clone()),
        (LinkType::Loopback, with(&[2, 0, 0, 0])),
        (LinkType::Loopback, with(&[0, 0, 0, 2])),
        (LinkType::LinuxCooked, with(&cooked)),
        (LinkType::LinuxCooked2, with(&cooked_2)),
        (LinkType::Ppp, with(&[0xff, 0x03, 0x00, 0x21])),
        (LinkType::Ppp, with(&[0x21])),
        (LinkType::CiscoHdlc, with(&[0x0f, 0, 8, 0])),
    ] {
        let mut bench = Bench::default();
        bench.frame(link_type, &frame);
        assert_eq!(bench.last().payload, b"hello", "{link_type:?}");
        assert!(bench.last().events.is_empty(), "{link_type:?}");
    }
}

#[test]
fn tags_and_labels_are_taken_off() {
    let packet = datagram(b"hello");
    let tagged = [&[0, 5, 0x08, 0][..], &packet].concat();
    let double = [&[0, 9, 0x81, 0][..], &tagged].concat();
    let labels = [&[0, 1, 0x00, 64, 0, 2, 0x01, 64][..], &packet].concat();
    let session = {
        let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
        [&[0x11, 0, 0, 1][..], &length, &[0, 0x21], &packet].concat()
    };
    for (kind, payload, vlans) in [
        (0x8100, &tagged, vec![5]),
        (0x88a8, &double, vec![9, 5]),
        (0x9100, &double, vec![9, 5]),
        (0x8847, &labels, vec![]),
        (0x8864, &session, vec![]),
    ] {
        let mut bench = Bench::default();
        bench.ethernet(&ethernet(kind, payload));
        assert_eq!(bench.last().payload, b"hello", "{kind:#x}");
        assert_eq!(bench.last().vlans, vlans, "{kind:#x}");
    }
}

#[test]
fn what_a_tunnel_holds_comes_before_what_carried_it() {
    let inner = datagram(b"inside");
    let inner_frame = ethernet(0x0800, &inner);
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &inner_frame].concat();
    let geneve = [&[0, 0, 0x65, 0x58, 0, 0, 7, 0][..], &inner_frame].concat();
    let erspan = [
        &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 0, 0, 0, 0, 0][..],
        &inner_frame,
    ]
    .concat();
    for (name, protocol, payload) in [
        ("GRE", 47, [&[0, 0, 8, 0][..], &inner].concat()),
        ("ERSPAN II", 47, erspan),
        ("IP in IP", 4, inner.clone()),
        ("VXLAN", 17, udp(5000, 4789, &vxlan)),
        ("Geneve", 17, udp(5000, 6081, &geneve)),
    ] {
        let mut bench = Bench::default();
        let outer = ipv4(
            Ipv4Addr::new(10, 0, 0, 1),
            Ipv4Addr::new(10, 0, 0, 2),
            protocol,
            &payload,
        );
        bench.ethernet(&ethernet(0x0800, &outer));
        let shown = bench.shown();
        assert_eq!(shown.len(), 2, "{name}");
        assert_eq!(shown[0].origin, PacketOrigin::Tunnel, "{name}");
        assert_eq!(shown[0].payload, b"inside", "{name}");
        assert_eq!(shown[1].origin, PacketOrigin::Wire, "{name}");
    }
}

/// A G-PDU of tunnel 7 with these flags and what they announce.
fn gtp_user(flags: u8, optional: &[u8], inside: &[u8]) -> Vec<u8> {
    let length = u16::try_from(optional.len() + inside.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    [&[flags, 255, high, low, 0, 0, 0, 7][..], optional, inside].concat()
}

#[test]
fn packets_of_mobile_subscribers_are_those_of_whole_messages_that_carry_some() {
    let inner = datagram(b"inside");
    let with = |flags: u8, optional: &[u8]| gtp_user(flags, optional, &inner);
    let changed = |at: usize, value: u8| {
        let mut message = with(0x30, &[]);
        message[at] = value;
        message
    };
    // A PDU session container, as on every packet of a 5G network.
    let container: &[u8] = &[0, 0, 0, 0x85, 1, 0, 9, 0];
    for (name, payload, packets) in [
        ("bare", with(0x30, &[]), 2),
        ("with a sequence number", with(0x32, &[0, 1, 0, 0]), 2),
        ("with an extension", with(0x34, container), 2),
        (
            "with two",
            with(0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0x40, 1, 1, 2, 0]),
            2,
        ),
        (
            "an extension without end",
            with(0x34, &[0, 0, 0, 0x85, 255]),
            1,
        ),
        ("an empty extension", with(0x34, &[0, 0, 0, 0x85, 0, 0]), 1),
        ("cut in its options", gtp_user(0x32, &[0, 1], &[]), 1),
        ("an echo request", changed(1, 1), 1),
        ("GTP prime", changed(0, 0x20), 1),
        ("version 2", changed(0, 0x50), 1),
        ("a length that lies", changed(3, 9), 1),
        ("nothing inside", gtp_user(0x30, &[], &[]), 1),
        ("no IP inside", gtp_user(0x30, &[], &[0x50; 40]), 1),
    ] {
        let outer = ipv4(CLIENT, SERVER, 17, &udp(2152, 2152, &payload));
        for (gtp_user, packets) in [(true, packets), (false, 1)] {
            let mut bench = Bench::with(PipelineSettings {
                engine: EngineSettings {
                    decode: DecodeSettings {
                        gtp_user,
                        ..DecodeSettings::default()
                    },
                    ..EngineSettings::default()
                },
                ..PipelineSettings::default()
            });
            bench.ethernet(&ethernet(0x0800, &outer));
            assert_eq!(bench.shown().len(), packets, "{name}");
        }
    }
}

#[test]
fn teredo_is_a_packet_of_exactly_its_length_and_no_negotiation() {
    let ipv6 = [
        &[0x60, 0, 0, 0, 0, 4, 59, 64][..],
        &[0xfe; 32],
        &[1, 2, 3, 4],
    ]
    .concat();
    let behind = |header: &[u8]| [header, &ipv6].concat();
    let mut no_hops = ipv6.clone();
    no_hops[7] = 0;
    for (name, payload, packets) in [
        ("bare", ipv6.clone(), 2),
        ("origin", behind(&[0, 0, 1, 2, 3, 4, 5, 6]), 2),
        (
            "authentication",
            behind(&[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
            1,
        ),
        ("one byte more", [&ipv6[..], &[0]].concat(), 1),
        ("no hops left", no_hops, 1),
    ] {
        let mut bench = Bench::default();
        let outer = ipv4(CLIENT, SERVER, 17, &udp(5000, 3544, &payload));
        bench.ethernet(&ethernet(0x0800, &outer));
        assert_eq!(bench.shown().len(), packets, "{name}");
    }
}

#[test]
fn the_header_of_an_icmp_timestamp_holds_its_times() {
    for (kind, payload_bytes) in [(8, 36), (13, 24), (14, 24)] {
        let mut message = vec![0; 44];
        message[0] = kind;
        let mut bench = Bench::default();
        bench.ethernet(&ethernet(0x0800, &ipv4(CLIENT, SERVER, 1, &message)));
        assert_eq!(bench.last().payload.len(), payload_bytes, "type {kind}");
    }
}

#[test]
fn tunnels_in_tunnels_end_somewhere() {
    let mut packet = datagram(b"deep");
    for _ in 0..100 {
        packet = ipv4(CLIENT, SERVER, 4, &packet);
    }
    let mut bench = Bench::default();
    bench.ethernet(&ethernet(0x0800, &packet));
    let events = &bench.pipeline.counters().decode.events;
    assert!(events.contains_key("too_many_layers"));
    assert!(bench.shown().len() < 32);
}

#[test]
fn fragments_in_any_order_become_the_packet() {
    let whole = udp(1111, 2222, &[b'x'; 1000]);
    let pieces: Vec<Vec<u8>> = [(0, 504, true), (504, 800, true), (800, 1008, false)]
        .into_iter()
        .map(|(start, end, more)| {
            let field = u16::try_from(start / 8).unwrap() | if more { 0x2000 } else { 0 };
            ethernet(
                0x0800,
                &ipv4_fragment(CLIENT, SERVER, 17, 99, field, &whole[start..end]),
            )
        })
        .collect();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut bench = Bench::default();
        for index in order {
            bench.ethernet(&pieces[index]);
        }
        let reassembled: Vec<_> = bench
            .shown()
            .iter()
            .filter(|shown| shown.origin == PacketOrigin::Reassembled)
            .collect();
        assert_eq!(reassembled.len(), 1);
        assert_eq!(reassembled[0].payload, [b'x'; 1000]);
        // What is held then is the datagram's flow, which ends too.
        bench.finish();
        assert_eq!(bench.pipeline.held_bytes(), 0);
    }
}

#[test]
fn fragments_that_never_become_whole_are_given_up() {
    let mut bench = Bench::default();
    for identification in 0..100 {
        let fragment = ipv4_fragment(CLIENT, SERVER, 17, identification, 0x2000, &[0; 64]);
        bench.ethernet(&ethernet(0x0800, &fragment));
    }
    assert!(bench.pipeline.held_bytes() > 100 * 64);
    bench.wait_seconds(61);
    let fragment = ipv4_fragment(CLIENT, SERVER, 17, 1000, 0x2000, &[0; 64]);
    bench.ethernet(&ethernet(0x0800, &fragment));
    assert_eq!(
        bench
            .pipeline
            .counters()
            .decode
            .fragmented_packets_timed_out,
        100
    );
}

#[test]
fn ipv6_fragments_behind_options_become_the_packet() {
    let whole = udp(1111, 2222, &[b'y'; 200]);
    let fragment = |start: usize, end: usize, more: bool| {
        let mut body = vec![44, 0, 1, 4, 0, 0, 0, 0]; // destination options: one padding
        body.extend([17, 0]);
        let field = u16::try_from(start).unwrap() | u16::from(more);
        body.extend(field.to_be_bytes());
        body.extend([0, 0, 0, 77]);
        body.extend(&whole[start..end]);
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        packet.extend([60, 64]);
        packet.extend([0xfd; 16]);
        packet.extend([0xfe; 16]);
        packet.extend(body);
        ethernet(0x86dd, &packet)
    };
    let mut bench = Bench::default();
    bench.ethernet(&fragment(104, 208, false));
    bench.ethernet(&fragment(0, 104, true));
    let reassembled = bench
        .shown()
        .iter()
        .find(|shown| shown.origin == PacketOrigin::Reassembled)
        .unwrap();
    assert_eq!(reassembled.payload, [b'y'; 200]);
}

#[test]
fn what_cannot_be_decoded_is_told_by_kind() {
    let mut short = datagram(b"hello");
    short.truncate(30);
    let mut old = datagram(b"hello");
    old[0] = 0x55;
    let mut tiny = datagram(b"hello");
    tiny[0] = 0x44;
    for (packet, event) in [
        (short, "ipv4.trunc_pkt"),
        (old, "ipv4.wrong_ip_version"),
        (tiny, "ipv4.hlen_too_small"),
    ] {
        let mut bench = Bench::default();
        bench.ethernet(&ethernet(0x0800, &packet));
        assert_eq!(bench.last().events, [event]);
        assert!(!bench.last().has_ip);
        assert_eq!(bench.pipeline.counters().decode.events[event], 1);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        link in prop::sample::select(vec![
            LinkType::Ethernet, LinkType::RawIp, LinkType::RawIpv6, LinkType::Loopback, LinkType::LinuxCooked,
            LinkType::LinuxCooked2, LinkType::Ppp, LinkType::PppOverEthernet, LinkType::CiscoHdlc,
        ]),
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8),
    ) {
        let mut bench = Bench::default();
        for frame in &frames {
            bench.frame(link, frame);
        }
        bench.finish();
        prop_assert_eq!(bench.pipeline.counters().panics_caught, 0);
    }

    #[test]
    fn no_change_to_a_good_frame_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        protocol in prop::sample::select(vec![1_u8, 4, 6, 17, 41, 47, 50, 58, 132]),
        kind in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x8847, 0x8864, 0x8903]),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut frame = ethernet(kind, &ipv4(CLIENT, SERVER, protocol, &datagram(&[0x45; 120])));
        for (place, byte) in &changes {
            let place = place.index(frame.len());
            frame[place] = *byte;
        }
        let mut bench = Bench::default();
        bench.ethernet(&frame);
        bench.ethernet(&frame[..cut.index(frame.len())]);
        bench.finish();
        prop_assert_eq!(bench.pipeline.counters().panics_caught, 0);
    }
}
