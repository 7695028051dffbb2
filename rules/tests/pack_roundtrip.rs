//! What is written into a pack comes back from it; a pack that was tampered with is refused or harmless.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use lapwing_rules::{
    model::{
        Action, AddressSetId, AlertLimit, Anchor, Buffer, ByteTest, BytesSpec, CipService,
        Comparison, Content, DcerpcInterface, Effect, Header, HeaderField, HeaderProtocol,
        Inspection, IsDataAt, LdapResponses, LdapWhich, Match, NumberBase, NumberRange, Operand,
        PacketCondition, RateFilter, RegexUse, RpcCall, RuleDirection, RuleId, RuleKind, Severity,
        Sides, SuppressBy, Threshold, ThresholdKind, TrackBy, Transform,
    },
    pack::{
        GroupToWrite, Pack, PackError, PackWriter, PrefilterScope, RuleToWrite, TransportClass,
        fuzz_entry,
    },
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// Where the digest stands in a pack, and where what it covers begins.
const DIGEST: std::ops::Range<usize> = 24..56;
const BODY: usize = 64;

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        any::<i64>().prop_map(Operand::Number),
        (0..32_u8).prop_map(Operand::Variable)
    ]
}

fn anchor() -> impl Strategy<Value = Anchor> {
    (any::<bool>(), operand(), proptest::option::of(operand())).prop_map(
        |(relative, start, length)| {
            if relative {
                Anchor::Relative {
                    distance: start,
                    within: length,
                }
            } else {
                Anchor::Absolute {
                    offset: start,
                    depth: length,
                }
            }
        },
    )
}

fn bytes_spec() -> impl Strategy<Value = BytesSpec> {
    (
        operand(),
        operand(),
        any::<[bool; 3]>(),
        proptest::option::of(any::<u32>()),
        proptest::option::of(Just(NumberBase::Octal)),
    )
        .prop_map(
            |(count, offset, [relative, little_endian, dce], bitmask, text)| BytesSpec {
                count,
                relative,
                offset,
                little_endian,
                text,
                dce,
                bitmask,
            },
        )
}

/// A content's flags and anchor; the pattern is borrowed from elsewhere.
type Shape = (Anchor, [bool; 5]);

fn content<'a>(pattern: &'a [u8], (anchor, flags): Shape) -> Match<'a> {
    let [
        nocase,
        negated,
        starts_with,
        ends_with,
        followed_by_relative,
    ] = flags;
    Match::Content(Content {
        pattern,
        nocase,
        negated,
        anchor,
        starts_with,
        ends_with,
        followed_by_relative,
    })
}

fn rule<'a>(
    sid: u32,
    message: &'a str,
    patterns: &'a [(Vec<u8>, Shape)],
    test: (BytesSpec, Operand),
) -> RuleToWrite<'a> {
    let mut matches: Vec<_> = patterns
        .iter()
        .map(|(pattern, shape)| content(pattern, *shape))
        .collect();
    matches.push(Match::ByteTest(ByteTest {
        bytes: test.0,
        negated: true,
        comparison: Comparison::GreaterOrEqual,
        value: test.1,
    }));
    matches.push(Match::IsDataAt(IsDataAt {
        offset: test.1,
        relative: true,
        negated: false,
    }));
    matches.push(Match::Regex(RegexUse {
        regex: 0,
        relative: false,
        negated: true,
        followed_by_relative: false,
        captures: Vec::new(),
    }));
    RuleToWrite {
        id: RuleId {
            gid: 1,
            sid,
            rev: 3,
        },
        action: Action::Drop,
        severity: Severity(2),
        header: Header {
            protocol: HeaderProtocol::AnyHttp,
            source: AddressSetId(1),
            source_port: lapwing_rules::model::PortSetId::ANY,
            direction: RuleDirection::Both,
            destination: AddressSetId::ANY,
            destination_port: lapwing_rules::model::PortSetId(1),
        },
        kind: RuleKind::Transaction,
        sides: Sides::ToClient,
        inspects_packet: false,
        inspects_stream: true,
        byte_variables: 4,
        message,
        class_type: "trojan-activity",
        class_description: "A Network Trojan was detected",
        conditions: vec![
            PacketCondition::Field(
                HeaderField::PayloadSize,
                NumberRange {
                    min: 3,
                    max: 900,
                    negated: false,
                },
            ),
            PacketCondition::DcerpcInterface(DcerpcInterface {
                uuid: *b"0123456789abcdef",
                version: Some(NumberRange {
                    min: 2,
                    max: 2,
                    negated: true,
                }),
                any_fragment: true,
            }),
            PacketCondition::CipService(CipService {
                service: 3,
                class: Some(0x300),
                attribute: Some((7, false)),
            }),
            PacketCondition::CipService(CipService {
                service: 3,
                class: None,
                attribute: None,
            }),
            PacketCondition::LdapResponses(LdapResponses::Operation(
                LdapWhich::FromLast(2),
                NumberRange {
                    min: 4,
                    max: 5,
                    negated: true,
                },
            )),
            PacketCondition::LdapResponses(LdapResponses::ResultCode(
                LdapWhich::All,
                NumberRange::NONE,
            )),
            PacketCondition::RpcCall(RpcCall {
                program: 100_003,
                version: None,
                procedure: Some(7),
            }),
            PacketCondition::DcerpcOperation(vec![(3, 5), (70_000, 70_000)]),
            PacketCondition::FieldAnyOf(
                HeaderField::Krb5TicketEncryption,
                vec![(1, 3), (u64::MAX, u64::MAX)],
            ),
            PacketCondition::Event("http.missing_host"),
        ],
        inspections: vec![Inspection {
            buffer: Buffer::HttpUri,
            frame: None,
            transforms: vec![Transform::DotPrefix, Transform::Xor(b"key")],
            matches,
        }],
        effects: vec![Effect::NoAlert],
        limits: vec![
            AlertLimit::Suppress {
                track: SuppressBy::Either,
                addresses: AddressSetId(1),
            },
            AlertLimit::Threshold(Threshold {
                kind: ThresholdKind::Both,
                track: TrackBy::Source,
                count: 5,
                seconds: 60,
            }),
            AlertLimit::RateFilter(RateFilter {
                track: TrackBy::Rule,
                count: 3,
                seconds: 10,
                action: Action::Reject,
                timeout_seconds: 600,
            }),
        ],
        references: vec![("http://", "example.org")],
        metadata: vec![("created_at", "2024_01_01"), ("deployment", message)],
        text: None,
    }
}

fn write(rules: &[RuleToWrite<'_>]) -> Vec<u8> {
    let mut writer = PackWriter::new();
    writer.address_set(&[(10, 20), (30, 30)], &[(1 << 100, 1 << 101)]);
    writer.port_set(&[(80, 80), (8000, 8100)]);
    writer.regex("(?-u)ab+", "/ab+/", false);
    writer.bit("seen");
    for rule in rules {
        writer.rule(rule);
    }
    let all: Vec<u32> = (0..u32::try_from(rules.len()).unwrap()).collect();
    writer.prefilter_group(&GroupToWrite {
        scope: PrefilterScope::PacketPayload(TransportClass::Udp),
        patterns: vec![(b"abcd", all.clone())],
        always: all,
    });
    writer.unsupported(
        RuleId {
            gid: 1,
            sid: 7,
            rev: 1,
        },
        "not yet",
        "keyword `lua` is not supported",
    );
    writer.finish()
}

fn patterns() -> impl Strategy<Value = Vec<(Vec<u8>, Shape)>> {
    let pattern = proptest::collection::vec(any::<u8>(), 1..30);
    let shape = (anchor(), any::<[bool; 5]>());
    proptest::collection::vec((pattern, shape), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rules_come_back(
        sid: u32,
        message in "\\PC{0,40}",
        patterns in patterns(),
        test in (bytes_spec(), operand()),
    ) {
        let written = [rule(sid, &message, &patterns, test), rule(sid ^ 1, "other", &[], test)];
        let bytes = write(&written);
        prop_assert_eq!(&bytes, &write(&written), "same rules, same bytes");
        let pack = Pack::from_bytes(bytes).unwrap();
        prop_assert_eq!(pack.rule_count(), 2);
        for (rule, view) in written.iter().zip(pack.rules()) {
            prop_assert_eq!(rule.id, view.id());
            prop_assert_eq!(rule.header, view.header());
            prop_assert_eq!(rule.kind, view.kind());
            prop_assert_eq!(rule.sides, view.sides());
            prop_assert_eq!(rule.message, view.message());
            prop_assert_eq!(rule.class_description, view.class_description());
            prop_assert_eq!(&rule.conditions, &view.packet_conditions().collect::<Vec<_>>());
            prop_assert_eq!(&rule.inspections, &view.inspections().collect::<Vec<_>>());
            prop_assert_eq!(&rule.effects, &view.effects().collect::<Vec<_>>());
            prop_assert_eq!(&rule.limits, &view.limits().collect::<Vec<_>>());
            prop_assert_eq!(&rule.references, &view.references().collect::<Vec<_>>());
            prop_assert_eq!(&rule.metadata, &view.metadata().collect::<Vec<_>>());
        }
        let group = pack.prefilter_groups().next().unwrap();
        prop_assert_eq!(group.rules_of(0).collect::<Vec<_>>(), vec![0, 1]);
        prop_assert_eq!(pack.bit_name(0), Some("seen"));
        prop_assert_eq!(pack.unsupported().count(), 1);
    }

    #[test]
    fn mutated_packs_never_panic(
        patterns in patterns(),
        test in (bytes_spec(), operand()),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        repair_digest in proptest::bool::weighted(0.9),
    ) {
        let mut bytes = write(&[rule(1, "one", &patterns, test)]);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if repair_digest && bytes.len() > BODY {
            let digest = Sha256::digest(&bytes[BODY..]);
            bytes[DIGEST].copy_from_slice(&digest);
            let length = bytes.len() as u64;
            bytes[16..24].copy_from_slice(&length.to_le_bytes());
        }
        fuzz_entry(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        fuzz_entry(&bytes);
    }
}

#[test]
fn each_kind_of_damage_has_its_error() {
    let good = write(&[]);
    let error = |bytes: &[u8]| Pack::from_bytes(bytes.to_vec()).unwrap_err();
    assert!(matches!(error(b""), PackError::NotAPack));
    assert!(matches!(error(b"alert tcp any"), PackError::NotAPack));
    let cut = &good[..good.len() - 1];
    assert!(matches!(error(cut), PackError::WrongLength { .. }));
    let mut newer = good.clone();
    newer[8] = 9;
    assert!(matches!(
        error(&newer),
        PackError::ForeignVersion { found: 9 }
    ));
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(matches!(error(&flipped), PackError::WrongDigest));
    for error in [error(b""), error(cut), error(&newer), error(&flipped)] {
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn a_file_opens_as_its_bytes_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.pack");
    let bytes = write(&[]);
    std::fs::write(&path, &bytes).unwrap();
    let from_file = Pack::open(&path).unwrap();
    let from_bytes = Pack::from_bytes(bytes).unwrap();
    assert_eq!(from_file.digest(), from_bytes.digest());
    assert!(matches!(
        Pack::open(folder.path()).unwrap_err(),
        PackError::Read { .. }
    ));
    let message = Pack::open(&folder.path().join("absent")).unwrap_err();
    assert!(message.to_string().contains("absent"));
}

#[test]
fn sets_are_searched_where_they_lie() {
    let pack = Pack::from_bytes(write(&[])).unwrap();
    let set = pack.address_set(AddressSetId(1));
    let contains = |number: u32| set.contains(IpAddr::V4(number.into()));
    assert_eq!(
        [9, 10, 15, 20, 21, 29, 30, 31].map(contains),
        [false, true, true, true, false, false, true, false]
    );
    assert!(set.contains(IpAddr::V6((1_u128 << 100).into())));
    assert!(!set.contains(IpAddr::V6(1_u128.into())));
    let ports = pack.port_set(lapwing_rules::model::PortSetId(1));
    assert!(ports.contains(80) && ports.contains(8100) && !ports.contains(81));
    assert!(
        pack.port_set(lapwing_rules::model::PortSetId::ANY)
            .contains(0)
    );
}
