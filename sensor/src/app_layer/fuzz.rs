//! One entry for fuzzers, and the replay of a small corpus and of random bytes as a normal test.
//!
//! An input is a script: the first byte names the parser, or identification with a port in the second byte, then come pieces of
//! one header byte (direction and length) and their bytes. So a fuzzer also finds the cuts and the order of directions that break something.

use lapwing_rules::model::{AppProtocol, Buffer, Frame, FrameSet};

use super::{
    AppLayer, ExpectedTransfer, Feed, FeedContext, FtpTransfer, Parser, ParserSet, Transport,
    ftp::FtpDataParser, registry,
};
use crate::{direction::Direction, time::Timestamp};

/// What the first byte of an input can name.
#[derive(Clone, Copy)]
enum Target {
    /// The parser of a protocol.
    Parser(AppProtocol, Transport),
    /// The parser of a data connection, which is announced by another one.
    FtpData,
    /// Identification, and whatever parsers it starts: also behind an upgrade.
    Identified(Transport),
}

use Target::{FtpData, Identified, Parser as Of};
use Transport::{Tcp, Udp};

/// All of them; the place is the first byte of an input.
const TARGETS: [Target; 37] = [
    Of(AppProtocol::Http1, Tcp),
    Of(AppProtocol::Dns, Udp),
    Of(AppProtocol::Dns, Tcp),
    Of(AppProtocol::Tls, Tcp),
    Of(AppProtocol::Ssh, Tcp),
    Of(AppProtocol::Dcerpc, Tcp),
    Of(AppProtocol::Dcerpc, Udp),
    Of(AppProtocol::Sip, Udp),
    Of(AppProtocol::Smtp, Tcp),
    Of(AppProtocol::Ftp, Tcp),
    Of(AppProtocol::Krb5, Tcp),
    Of(AppProtocol::Krb5, Udp),
    Of(AppProtocol::Snmp, Udp),
    Of(AppProtocol::Smb, Tcp),
    Of(AppProtocol::Ike, Udp),
    Of(AppProtocol::Dhcp, Udp),
    Of(AppProtocol::Enip, Tcp),
    Of(AppProtocol::Enip, Udp),
    Of(AppProtocol::Http2, Tcp),
    Of(AppProtocol::Mqtt, Tcp),
    Of(AppProtocol::Nfs, Tcp),
    Of(AppProtocol::Nfs, Udp),
    Of(AppProtocol::Rfb, Tcp),
    Of(AppProtocol::Telnet, Tcp),
    Of(AppProtocol::Modbus, Tcp),
    Of(AppProtocol::Dnp3, Tcp),
    Of(AppProtocol::Pgsql, Tcp),
    Of(AppProtocol::Quic, Udp),
    FtpData,
    Identified(Tcp),
    Identified(Udp),
    Of(AppProtocol::Rdp, Tcp),
    Of(AppProtocol::Ntp, Udp),
    Of(AppProtocol::Tftp, Udp),
    Of(AppProtocol::Ldap, Tcp),
    Of(AppProtocol::Ldap, Udp),
    Of(AppProtocol::Websocket, Tcp),
];

/// Server's ports that the second byte of an input for identification can name: each is a hint for some protocol.
const PORTS: [u16; 27] = [
    1_024, 80, 443, 53, 445, 139, 25, 21, 22, 23, 67, 88, 110, 143, 161, 500, 502, 1_883, 2_049,
    3_389, 4_500, 5_060, 20_000, 44_818, 123, 69, 389,
];

/// The targets by name, as `dns-udp`; the place in the list is the first byte of an input.
#[doc(hidden)]
pub fn parser_names() -> Vec<String> {
    let name = |protocol: &str, transport| match transport {
        Tcp => format!("{protocol}-tcp"),
        Udp => format!("{protocol}-udp"),
    };
    TARGETS
        .iter()
        .map(|target| match *target {
            Of(protocol, transport) => name(protocol.name(), transport),
            FtpData => name(AppProtocol::FtpData.name(), Tcp),
            Identified(transport) => name("identified", transport),
        })
        .collect()
}

fn every_frame() -> FrameSet {
    let mut frames = FrameSet::default();
    for frame in Frame::ALL {
        frames.insert(*frame);
    }
    frames
}

fn context(transport: Transport, server_port: u16) -> FeedContext {
    FeedContext {
        client_address: std::net::Ipv4Addr::LOCALHOST.into(),
        server_address: std::net::Ipv4Addr::LOCALHOST.into(),
        may_be_reversed: false,
        client_port: 1_024,
        server_port,
        transport,
        time: Timestamp(0),
        frames: every_frame(),
        parsers: ParserSet::default(),
        digests: crate::app_layer::DigestSet::default(),
    }
}

/// The pieces of a script; an empty one stands for a gap.
fn pieces(mut script: &[u8]) -> impl Iterator<Item = (Direction, &[u8])> {
    std::iter::from_fn(move || {
        let (&header, rest) = script.split_first()?;
        let direction = if header & 0x80 == 0 {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        let (piece, behind) = rest.split_at(usize::from(header & 0x7f).min(rest.len()));
        script = behind;
        Some((direction, piece))
    })
}

/// Bytes that a gap misses.
const GAP_BYTES: u64 = 7;

/// Runs one input through what it names and reads everything rules could ask.
#[doc(hidden)]
pub fn fuzz_entry(input: &[u8]) {
    let Some((&which, script)) = input.split_first() else {
        return;
    };
    match TARGETS[usize::from(which) % TARGETS.len()] {
        Of(protocol, transport) => {
            let context = context(transport, 80);
            let Some(parser) = registry::parser_for(protocol, &context) else {
                return;
            };
            run_parser(parser, script, protocol == AppProtocol::Http1);
        }
        FtpData => {
            let (active, script) = script.split_first().unwrap_or((&0, script));
            let transfer = ExpectedTransfer {
                port: 20,
                transfer: if active & 2 == 0 {
                    FtpTransfer::Retrieve
                } else {
                    FtpTransfer::Store
                },
                name: b"name".to_vec(),
            };
            let digests = crate::app_layer::DigestSet::default();
            let parser = FtpDataParser::new(transfer, active & 1 == 0, digests);
            run_parser(Box::new(parser), script, false);
        }
        Identified(transport) => {
            let (port, script) = script.split_first().unwrap_or((&0, script));
            let port = PORTS[usize::from(*port) % PORTS.len()];
            run_identified(&context(transport, port), script);
        }
    }
}

fn run_parser(mut parser: Box<dyn Parser>, script: &[u8], is_http: bool) {
    if let Some(log) = parser.frames_mut() {
        log.want(every_frame());
    }
    let mut has_stopped = false;
    for (direction, piece) in pieces(script) {
        if piece.is_empty() {
            if let Some(log) = parser.frames_mut() {
                log.gap(direction, GAP_BYTES);
            }
            parser.gap(direction, GAP_BYTES);
            continue;
        }
        if let Some(log) = parser.frames_mut() {
            log.fed(direction, piece);
        }
        has_stopped |= parser.feed(direction, piece) == Feed::Stop;
        if let Some(log) = parser.frames_mut() {
            assert!(
                log.pieces(direction, true)
                    .all(|piece| !piece.bytes.is_empty())
            );
            log.inspected(direction, false);
        }
    }
    for direction in Direction::BOTH {
        parser.end(direction);
    }
    // As in the reference, HTTP that makes no sense leaves its transactions open, and an answer that ends within its headers
    // leaves its own.
    let may_stay_open = match is_http {
        true if has_stopped => [usize::MAX; 2],
        true => [0, 1],
        false => [0; 2],
    };
    read_all(parser.as_ref(), may_stay_open);
}

fn run_identified(context: &FeedContext, script: &[u8]) {
    let mut app = AppLayer::default();
    // Packets say their direction as it was at first.
    let mut is_reversed = false;
    for (direction, piece) in pieces(script) {
        let (context, direction) = if is_reversed {
            (context.reversed(), direction.opposite())
        } else {
            (*context, direction)
        };
        app.begin_packet(Some(direction));
        if piece.is_empty() {
            if context.transport == Tcp {
                app.gap(direction, GAP_BYTES);
            }
            continue;
        }
        app.feed(&context, direction, piece);
        is_reversed ^= app.take_reversal();
        assert!(
            app.frame_logs()
                .flat_map(|log| log.pieces(direction, true))
                .all(|piece| !piece.bytes.is_empty())
        );
        app.frames_inspected(direction, false);
    }
    app.begin_packet(None);
    for direction in Direction::BOTH {
        app.end(direction);
    }
    if let Some(parser) = app.parser() {
        read_all(parser, [usize::MAX; 2]);
    }
}

fn read_all(parser: &dyn Parser, may_stay_open: [usize; 2]) {
    let mut facts = Vec::new();
    let mut open = [0; 2];
    for number in parser.transactions() {
        let Some(transaction) = parser.transaction(number) else {
            continue;
        };
        for direction in Direction::BOTH {
            open[direction.index()] += usize::from(!transaction.is_complete(direction));
            for &buffer in Buffer::ALL {
                for index in 0..2 {
                    transaction.buffer(buffer, direction, index);
                }
            }
        }
        transaction.facts(&mut facts);
    }
    for direction in Direction::BOTH {
        assert!(
            open[direction.index()] <= may_stay_open[direction.index()],
            "an ended transaction is complete"
        );
    }
    assert!(parser.held_bytes() > 0, "a parser holds at least itself");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A script of one parser from pieces by direction.
    fn script(which: u8, pieces: &[(Direction, &[u8])]) -> Vec<u8> {
        let mut input = vec![which];
        for (direction, bytes) in pieces {
            for piece in bytes.chunks(0x7f) {
                let side = if *direction == Direction::ToServer {
                    0
                } else {
                    0x80
                };
                input.push(side | u8::try_from(piece.len()).unwrap());
                input.extend_from_slice(piece);
            }
        }
        input
    }

    fn corpus() -> Vec<Vec<u8>> {
        use Direction::{ToClient, ToServer};
        vec![
            script(
                0,
                &[
                    (ToServer, b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 84\r\n\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\nbytes\r\n--B--\r\n"),
                    (ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n4\r\n\x1f\x8b\x08\x00\r\n0\r\n\r\n"),
                ],
            ),
            script(0, &[(ToServer, b"CONNECT a:1 HTTP/1.1\r\n\r\n"), (ToClient, b"HTTP/1.1 200 OK\r\n\r\n")]),
            script(1, &[(ToServer, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01")]),
            script(2, &[(ToServer, b"\0\x13\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01")]),
            script(3, &[(ToServer, b"\x16\x03\x01\0\x04\x01\0\0\0"), (ToClient, b"\x15\x03\x03\0\x02\x02\x28")]),
            script(
                5,
                &[
                    (ToServer, b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xd0\x16\xd0\x16\0\0\0\0\x01\0\0\0\0\0\x01\0aaaaaaaaaaaaaaaa\x01\0\0\0bbbbbbbbbbbbbbbbbbbb"),
                    (ToClient, b"\x05\0\x0c\x03\x10\0\0\0\x3c\0\0\0\x01\0\0\0\xd0\x16\xd0\x16\0\0\0\0\x04\x00135\0\0\0\x01\0\0\0\0\0\0\0bbbbbbbbbbbbbbbbbbbb"),
                    (ToServer, b"\x05\0\0\x03\x10\0\0\0\x1c\0\0\0\x02\0\0\0\0\0\0\0\0\0\x04\0stub"),
                ],
            ),
            script(6, &[(ToServer, &[4; 100])]),
            script(
                8,
                &[
                    (ToClient, b"220 a SMTP\r\n"),
                    (ToServer, b"EHLO b\r\nDATA\r\n"),
                    (ToClient, b"250 ok\r\n354 go\r\n"),
                    (ToServer, b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Disposition: x; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI=\r\n--B--\r\n.\r\nBDAT 3\r\nabc"),
                ],
            ),
            script(9, &[(ToServer, b"PORT 1,2,3,4,5,6\r\nRETR a\r\n"), (ToClient, b"200 ok\r\n150 x\r\n226 y\r\n")]),
            script(
                10,
                &[
                    (ToServer, b"\0\0\0\x02\x6e\0\0\0\0\x02\x6a\0"),
                    (ToClient, b"\0\0\0\x38\x7e\x36\x30\x34\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa4\x11\x18\x0f20370913024805Z\xa5\x03\x02\x01\x01\xa6\x03\x02\x01\x19\xa9\x03\x1b\x01R\xaa\x0a\x30\x08\xa0\x03\x02\x01\x01\xa1\x01\x30"),
                ],
            ),
            script(11, &[(ToServer, b"\x6a\x04\x30\x02\xa1\0")]),
            script(
                12,
                &[
                    (ToServer, b"\x30\x19\x02\x01\x01\x04\x06public\xa0\x0c\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x01\0"),
                    (ToClient, b"\x30\x0f\x02\x01\x03\x30\x06\x02\x01\x01\x02\x01\x01\x04\0\x30\0"),
                ],
            ),
            script(
                14,
                &[
                    (ToServer, b"IIIIIIII\0\0\0\0\0\0\0\0\x01\x10\x02\0\0\0\0\0\0\0\0\x50\x0d\0\0\x24\0\0\0\x01\0\0\0\x01\0\0\0\x18\x01\x01\0\x01\0\0\0\x10\x01\x01\0\0\x80\x01\0\x07\0\x0c\0\x04\0\0\0\x09\0\0\0\x05v"),
                    (ToClient, b"IIIIIIIIRRRRRRRR\x21\x20\x22\x20\0\0\0\0\0\0\0\x3c\0\0\0\x20\0\0\0\x1c\x01\x01\0\x02\x03\0\0\x0c\x01\0\0\x0c\x80\x0e\x01\0\0\0\0\x08\x04\0\0\x02"),
                ],
            ),
            script(15, &[(ToServer, &[&[1; 240][..], b"\x35\x01\x03\x33\x04\0\0\x0e\x10\x3d\x02\x01a\0\xff"].concat())]),
            script(
                16,
                &[
                    (ToServer, b"\x6f\0\x26\0\x01\0\0\0\0\0\0\0contextc\0\0\0\0\0\0\0\0\x0a\0\x02\0\0\0\0\0\xb2\0\x16\0\x0a\x02\x20\x02\x24\x01\x01\0\x04\0\x03\x03\x21\0\0\x04\x24\x01\x01\0\x05\0"),
                    (ToClient, b"\x63\0\0\0\x01\0\0\0\0\0\0\0contextc\0\0\0\0"),
                ],
            ),
            script(17, &[(ToServer, b"\x70\0\x18\0\x01\0\0\0\0\0\0\0contextc\0\0\0\0\0\0\0\0\0\0\x02\0\xa1\0\x04\0aaaa\xb1\0\x06\0\x01\0\x8e\0\0\0")]),
            script(7, &[(ToServer, b"OPTIONS sip:a@b SIP/2.0\r\nTo: c\r\n\r\n"), (ToClient, b"SIP/2.0 200 OK\r\nTo:\r\n d\r\n\r\n")]),
            script(
                18,
                &[
                    (ToServer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x0c\x01\x25\0\0\0\x01\0\0\0\0\x05\x82\x84\x40\x01a\x01b\0\0\x01\x09\x04\0\0\0\x03\xbe"),
                    (ToClient, b"\0\0\x06\x04\0\0\0\0\0\0\x01\0\0\x10\0\0\0\x06\x05\x04\0\0\0\x01\0\0\0\x02\x82\x84\0\0\x02\0\x09\0\0\0\x01\x01x"),
                ],
            ),
            script(19, &[(ToServer, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04tool"), (ToClient, b"\x20\x02\0\0\x30\xff")]),
            script(
                19,
                &[
                    (ToServer, b"\x10\x1b\0\x04MQTT\x05\xce\0\x3c\x05\x11\0\0\0\x0a\0\x01c\0\0\x01t\0\x01m\0\x01u\0\x01p"),
                    (ToClient, b"\x20\x03\x01\0\0"),
                    (ToServer, b"\x34\x07\0\x01a\0\x07\0x\x82\x07\0\x03\0\0\x01a\0\xe0\0"),
                    (ToClient, b"\x50\x02\0\x07\x90\x04\0\x03\0\0\x30\x80\x89\x7a\0"),
                ],
            ),
            script(
                24,
                &[
                    (ToServer, b"\0\x01\0\0\0\x0b\x11\x10\xff\xff\0\x02\x04\0\x0a\x01\x02\0\x02\0\0\0\x06\x11\x08\0\x04\0\0"),
                    (ToClient, b"\0\x01\0\0\0\x06\x11\x10\xff\xff\0\x02\0\x02\0\0\0\x03\x11\x88\x0c"),
                ],
            ),
            script(
                25,
                &[
                    (ToServer, b"\x05\x64\x0e\xc4\x01\0\x02\0\xe0\x66\xc0\xc0\x01\x3c\x01\x06\x3c\x02\x06\x7f\xcc"),
                    (ToClient, b"\x05\x64\x15\x44\x02\0\x01\0\x33\xcc\xc0\xc0\x81\x10\0\x1e\x02\0\0\x01\x01ab\x01cd\x48\xe1"),
                ],
            ),
            script(26, &[(ToServer, b"\0\0\0\x08\x04\xd2\x16\x30"), (ToClient, b"N"), (ToServer, b"\0\0\0\x08\x04\xd2\x16\x2f"), (ToClient, b"S\x16")]),
            script(
                27,
                &[
                    (ToServer, b"\xc0\0\0\0\x02\x02id\0\0\x3a\x06\0\x2f\x01\0\0\x2b\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\0\0\x02\x13\x01\x01\0\0\x00\x02\x05\x01\0\x01\0\0"),
                    (ToClient, b"\xf0\0\0\0\x01\0\x02idtoken"),
                    (ToServer, b"\x09identifyQ043\x01hhhhhhhhhhhh\xa0\x01\0\x1bCHLO\x01\0\0\0SNI\0\x0b\0\0\0g.example.."),
                ],
            ),
            [&[28, 1][..], &script(0, &[(ToServer, b"stored"), (ToClient, b"retrieved")])[1..]].concat(),
            [
                &[29, 1][..],
                &script(
                    0,
                    &[
                        (ToServer, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"),
                        (ToClient, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
                        (ToServer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
                    ],
                )[1..],
            ]
            .concat(),
            [&[30, 3][..], &script(0, &[(ToServer, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01")])[1..]].concat(),
            script(
                31,
                &[
                    (ToServer, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
                    (ToClient, b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0"),
                    (ToServer, b"\x03\0\0\x0b\x02\xf0\x80\x7f\x65\x01\0"),
                    (ToClient, b"\x16\x03\x03\0\x0a\x0b\0\0\x06\0\0\x03\0\0\0"),
                ],
            ),
            script(32, &[(ToServer, &[&[0x23][..], &[0; 47], &[0, 1, 0, 4], &[0; 24]].concat())]),
            script(
                34,
                &[
                    (ToServer, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0\x30\x1d\x02\x01\x02\x63\x18\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x01a\x30\x03\x04\x01b"),
                    (ToClient, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0\x30\x0c\x02\x01\x02\x64\x07\x04\x01d\x30\x02\x30\0\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\0\x04\0\x04\0"),
                    (ToServer, b"\x30\x1d\x02\x01\x03\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
                    (ToClient, b"\x30\x0c\x02\x01\x03\x78\x07\x0a\x01\0\x04\0\x04\0\x16"),
                ],
            ),
            script(35, &[(ToClient, b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\0\x04\0\x04\0\x30\x05\x02\x01\x03\x42\0")]),
            script(
                36,
                &[
                    (ToServer, b"\x01\x83MASK,$ \x80\x82MASK-.\xc1\x87MASK\x87\x09\x9e\x82\x84\x46\x53"),
                    (ToClient, b"\x89\x01p\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0\x82\x7f\0\0\0\0\0\0\0\x02ab"),
                ],
            ),
            script(33, &[(ToServer, b"\0\x01a\0octet\0"), (ToClient, b"\0\x03\0\x01d")]),
            script(4, &[(ToServer, b"SSH-2.0-a\r\n\0\0\0\x02\0\x15"), (ToClient, b"SSH-1.99-b\n")]),
        ]
    }

    #[test]
    fn the_corpus_and_its_cuts_are_survived() {
        for input in corpus() {
            for length in 0..=input.len() {
                fuzz_entry(&input[..length]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn mutations_are_survived(
            which in any::<prop::sample::Index>(),
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        ) {
            let corpus = corpus();
            let mut input = which.get(&corpus).clone();
            for (index, value) in mutations {
                let at = index.index(input.len());
                input[at] = value;
            }
            fuzz_entry(&input);
        }

        #[test]
        fn rubbish_is_survived(input in prop::collection::vec(any::<u8>(), 0..400)) {
            fuzz_entry(&input);
        }
    }
}
