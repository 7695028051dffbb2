//! What the tests of the outbox share.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod centre;
pub(crate) mod simulated;

use ed25519_dalek::SigningKey;
use lapwing_outbox::Draft;
use lapwing_wire::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const SENSOR: SensorId = SensorId([0x5e; 16]);

pub(crate) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

pub(crate) fn sealer() -> Sealer {
    Sealer::new(
        SigningKey::from_bytes(&[1; 32]),
        centre::key().public_key().unwrap(),
        CompressionLevel::DEFAULT,
    )
}

/// A finding that can be told from all others by its count, padded to a size.
pub(crate) fn finding(lane: Lane, tag: u64, size: usize) -> Draft {
    let mut facts = Facts::default();
    for piece in vec![b'x'; size].chunks(1000) {
        facts.push(FactKind::HttpUri, piece);
    }
    let nowhere = Endpoint {
        address: DisclosedAddress::Withheld,
        port: None,
    };
    let severity = Severity::from_priority(match lane {
        Lane::Critical => 1,
        Lane::Normal => 2,
        _ => 3,
    });
    let body = RecordBody::Finding(Finding {
        first_milliseconds: 1_790_000_000_000,
        last_milliseconds: 1_790_000_000_000,
        count: tag,
        rule: RuleId {
            gid: 1,
            sid: 1,
            rev: 1,
        },
        severity,
        action: Action::Alert,
        source: nowhere,
        destination: nowhere,
        protocol: 6,
        app_protocol: None,
        direction: Direction::ToServer,
        traffic: Traffic::default(),
        flow_start_milliseconds: None,
        facts,
    });
    Draft {
        lane,
        time: stamp(),
        policy: Some(PolicyDigest([0xd1; 32])),
        body,
    }
}

pub(crate) fn heartbeat(tag: u64) -> Draft {
    let body = RecordBody::Heartbeat(Heartbeat {
        uptime_seconds: tag,
        ..Heartbeat::default()
    });
    Draft {
        lane: Lane::Status,
        time: stamp(),
        policy: None,
        body,
    }
}

fn stamp() -> Stamp {
    Stamp {
        wall_milliseconds: 1_790_000_000_000,
        monotonic_milliseconds: 1,
        boot: BootId([2; 16]),
        quality: ClockQuality::Network,
    }
}
