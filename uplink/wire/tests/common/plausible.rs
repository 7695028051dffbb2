//! A generated day at a small ISP: findings with all fields, the way they repeat in practice.
//! A few rules make most findings, a few subscribers are infected, hosts and agents recur,
//! while times, ports, byte counts and some paths never do.

use std::net::{IpAddr, Ipv4Addr};

use lapwing_wire::*;
use rand::RngExt;
use rand::rngs::StdRng;

const START_MILLISECONDS: u64 = 1_790_000_000_000;

pub(crate) fn findings(seed: u64, count: usize) -> Vec<Record> {
    let mut random = super::random(seed);
    let mut wall = START_MILLISECONDS;
    (0..count)
        .map(|index| {
            wall += random.random_range(200..20_000u64);
            let header = RecordHeader {
                lane: Lane::Normal,
                number: RecordNumber(40_000 + index as u64),
                time: Stamp {
                    wall_milliseconds: wall,
                    monotonic_milliseconds: wall - START_MILLISECONDS + 5_000_000,
                    boot: BootId([0xb0; 16]),
                    quality: ClockQuality::Network,
                },
                policy: Some(PolicyDigest([0xd1; 32])),
            };
            Record::new(header, RecordBody::Finding(finding(&mut random, wall))).unwrap()
        })
        .collect()
}

/// A draw in which low numbers are common, as ranks are in real traffic.
fn rank(random: &mut StdRng, most: usize) -> usize {
    let uniform: f64 = random.random_range(0.0..1.0);
    // Zipf's law with exponent 1, inverted.
    let value = (most as f64 + 1.0).powf(uniform) - 1.0;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= value < most + 1"
    )]
    let value = value as usize;
    value.min(most - 1)
}

fn finding(random: &mut StdRng, wall: u64) -> Finding {
    let which = rank(random, 60);
    let subscriber = rank(random, 120);
    let server = which * 3 + rank(random, 6);
    let duration = if random.random_bool(0.5) {
        0
    } else {
        random.random_range(1..60_000u64)
    };
    let last = wall - random.random_range(0..30u64);
    let first = last - duration;
    let mut facts = Facts::default();
    let (port, app) = match which % 4 {
        0 | 1 => {
            let (host, path) = (
                format!("cdn{server}.update-check.example"),
                random.random_range(0..1u32 << 20),
            );
            facts.push(FactKind::HttpHost, host.as_bytes());
            let uri = if random.random_bool(0.7) {
                format!("/gate/{}.php", which)
            } else {
                format!("/gate/{which}.php?id={path:05x}")
            };
            facts.push(FactKind::HttpUri, uri.as_bytes());
            facts.push(
                FactKind::HttpMethod,
                if which.is_multiple_of(3) {
                    b"POST"
                } else {
                    b"GET"
                },
            );
            facts.push(
                FactKind::HttpUserAgent,
                format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/{}.36",
                    500 + subscriber % 9
                )
                .as_bytes(),
            );
            facts.push(
                FactKind::HttpStatus,
                if random.random_bool(0.8) {
                    b"200"
                } else {
                    b"404"
                },
            );
            (80, "http")
        }
        2 => {
            facts.push(
                FactKind::TlsSni,
                format!("api{server}.panel.example").as_bytes(),
            );
            facts.push(FactKind::TlsVersion, b"TLS 1.3");
            facts.push(
                FactKind::Ja3,
                format!(
                    "{:032x}",
                    0x9e37_79b9_7f4a_7c15_u128 * (1 + which as u128 % 7)
                )
                .as_bytes(),
            );
            facts.push(
                FactKind::Ja4,
                format!("t13d1516h2_8daaf6152771_{:012x}", 77_777 * (1 + which % 7)).as_bytes(),
            );
            (443, "tls")
        }
        _ => {
            facts.push(
                FactKind::DnsQuery,
                format!("n{server}.sinkhole.example").as_bytes(),
            );
            facts.push(FactKind::DnsQueryType, b"A");
            (53, "dns")
        }
    };
    let packets = 1 + rank(random, 40) as u64;
    Finding {
        first_milliseconds: first,
        last_milliseconds: last,
        count: if duration == 0 {
            1
        } else {
            1 + rank(random, 20) as u64
        },
        rule: RuleId {
            gid: 1,
            sid: 2_010_000 + u32::try_from(which * 137).unwrap(),
            rev: 1 + u32::try_from(which % 5).unwrap(),
        },
        severity: Severity::from_priority(1 + u32::try_from(which % 3).unwrap()),
        action: Action::Alert,
        source: Endpoint {
            address: DisclosedAddress::Pseudonym {
                address: IpAddr::V4(Ipv4Addr::from(
                    0x6440_0000 + u32::try_from(subscriber).unwrap() * 0x51_37,
                )),
                key_epoch: 3,
            },
            port: Some(random.random_range(32_768..61_000u16)),
        },
        destination: Endpoint {
            address: DisclosedAddress::Clear(IpAddr::V4(Ipv4Addr::from(
                0xc633_6400u32
                    .wrapping_add(u32::try_from(server).unwrap().wrapping_mul(0x9e37_79b1)),
            ))),
            port: Some(port),
        },
        protocol: if port == 53 { 17 } else { 6 },
        app_protocol: Some(app.to_owned()),
        direction: Direction::ToServer,
        traffic: Traffic {
            packets_to_server: packets,
            bytes_to_server: packets * 60 + random.random_range(0..400u64),
            packets_to_client: packets,
            bytes_to_client: packets * 52 + random.random_range(0..4000u64),
        },
        flow_start_milliseconds: Some(first - random.random_range(0..300u64)),
        facts,
    }
}
