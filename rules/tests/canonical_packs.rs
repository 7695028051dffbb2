//! Canonical packs and deltas: the same rules give the same bytes, a chain of deltas gives what the full pack is, and what does
//! not fit is refused with one clear error.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fmt::Write as _};

use lapwing_rules::{
    Settings, compile,
    model::{Buffer, Side},
    pack::{
        CanonicalError, CanonicalPack, DELTA_HEADER_BYTES, Pack, PrefilterScope, RecordKind,
        TransportClass, apply_delta, derive, make_delta,
    },
    source::Source,
};
use proptest::prelude::*;

/// Rules by number.
type Rules = BTreeMap<u32, String>;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// A rule of many kinds: strings, sets, expressions, bits and thresholds, some shared with other rules, some not.
fn rule(sid: u32, dice: &mut Dice) -> String {
    let mut options = format!("msg:\"TEST {} seen\"; ", dice.roll(50));
    let header = match dice.roll(4) {
        0 => "alert tcp $HOME_NET any -> any [80,443,8000:8080]".to_owned(),
        1 => format!(
            "alert udp any any -> [198.51.100.{}/32,!$HOME_NET] 53",
            dice.roll(200)
        ),
        2 => {
            let list: Vec<String> = (0..60)
                .map(|_| format!("203.0.{}.{}", dice.roll(4), dice.roll(250)))
                .collect();
            format!("alert ip [{}] any -> any any", list.join(","))
        }
        _ => "alert http any any -> any any".to_owned(),
    };
    if header.contains("http") {
        write!(
            options,
            "http.uri; content:\"/gate{}\"; nocase; ",
            dice.roll(30)
        )
        .unwrap();
    } else {
        write!(
            options,
            "content:\"|{:02x} 00|mark{}\"; ",
            dice.roll(256),
            dice.roll(30)
        )
        .unwrap();
    }
    match dice.roll(5) {
        0 => write!(options, "pcre:\"/x{}[0-9]+y/R\"; ", dice.roll(9)).unwrap(),
        1 => write!(options, "flowbits:set,bit{}; ", dice.roll(9)).unwrap(),
        2 => write!(options, "flowbits:isset,bit{}; ", dice.roll(9)).unwrap(),
        3 => options.push_str("threshold:type limit, track by_src, count 1, seconds 60; "),
        _ => {}
    }
    let rev = dice.roll(20) + 1;
    format!(
        "{header} ({options}reference:url,example.org/{sid}; metadata:tag t{rev}; sid:{sid}; rev:{rev};)"
    )
}

fn rules(count: u32, dice: &mut Dice) -> Rules {
    (0..count)
        .map(|number| (number * 7 + 1, rule(number * 7 + 1, dice)))
        .collect()
}

fn canonical_of<'r>(rules: impl Iterator<Item = &'r String>) -> CanonicalPack {
    let text: Vec<&str> = rules.map(String::as_str).collect();
    canonical_of_text(&text.join("\n"))
}

fn canonical_of_text(text: &str) -> CanonicalPack {
    let source = Source {
        name: "test.rules".into(),
        bytes: text.as_bytes().to_vec(),
    };
    let compiled = compile(&[source], &Settings::default());
    assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
    CanonicalPack::from_bytes(compiled.canonical).unwrap()
}

fn applied(old: &CanonicalPack, delta: &[u8]) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    apply_delta(old, delta, &mut out).map(|()| out)
}

fn derived(canonical: &CanonicalPack) -> Vec<u8> {
    let mut out = Vec::new();
    derive(canonical, &mut out).unwrap();
    out
}

/// Edits, removes or adds one rule.
fn change(rules: &mut Rules, dice: &mut Dice) {
    let numbers: Vec<u32> = rules.keys().copied().collect();
    let sid = numbers[usize::try_from(dice.roll(numbers.len() as u64)).unwrap()];
    match dice.roll(3) {
        0 => drop(rules.insert(sid, rule(sid, dice))),
        1 => drop(rules.remove(&sid)),
        _ => drop(rules.insert(sid + 1, rule(sid + 1, dice))),
    }
}

#[test]
fn the_order_of_the_sources_and_the_thread_do_not_matter() {
    let rules = rules(120, &mut Dice(7));
    let expected = canonical_of(rules.values());
    let mut shuffled: Vec<String> = rules.into_values().collect();
    for seed in 1..5 {
        let mut dice = Dice(seed * 77);
        for index in (1..shuffled.len()).rev() {
            shuffled.swap(index, usize::try_from(dice.roll(index as u64 + 1)).unwrap());
        }
        // Every thread hashes with seeds of its own.
        let (canonical, pack) = std::thread::scope(|scope| {
            let work = || {
                let canonical = canonical_of(shuffled.iter());
                (canonical.bytes().to_vec(), derived(&canonical))
            };
            scope.spawn(work).join().unwrap()
        });
        assert!(canonical == expected.bytes(), "seed {seed}");
        assert!(pack == derived(&expected), "seed {seed}");
    }
}

#[test]
fn two_hundred_deltas_give_the_bytes_of_the_full_pack() {
    let mut dice = Dice(20);
    let mut rules = rules(150, &mut dice);
    let first = canonical_of(rules.values());
    let mut arrived = first;
    let mut before: Vec<CanonicalPack> = Vec::new();
    for step in 0..200 {
        for _ in 0..=dice.roll(4) {
            change(&mut rules, &mut dice);
        }
        let full = canonical_of(rules.values());
        let delta = make_delta(&arrived, &full).unwrap();
        let next = applied(&arrived, &delta).unwrap();
        assert!(next == full.bytes(), "step {step}");
        // From any of the packs before, too.
        for old in &before {
            let delta = make_delta(old, &full).unwrap();
            assert!(applied(old, &delta).unwrap() == full.bytes(), "step {step}");
        }
        before.push(arrived);
        if before.len() > 3 {
            before.remove(0);
        }
        arrived = CanonicalPack::from_bytes(next).unwrap();
    }
    let full = canonical_of(rules.values());
    assert_eq!(
        Pack::from_bytes(derived(&arrived)).unwrap().digest(),
        &full.derived_digest()
    );
}

#[test]
fn a_changed_rule_costs_little() {
    let mut dice = Dice(3);
    let mut rules = rules(400, &mut dice);
    let old = canonical_of(rules.values());
    for _ in 0..10 {
        change(&mut rules, &mut dice);
    }
    let delta = make_delta(&old, &canonical_of(rules.values())).unwrap();
    assert!(delta.len() - DELTA_HEADER_BYTES < 2_500, "{}", delta.len());
}

#[test]
fn the_same_pack_again_is_a_delta_of_nothing() {
    let pack = canonical_of(rules(20, &mut Dice(4)).values());
    let delta = make_delta(&pack, &pack).unwrap();
    assert!(applied(&pack, &delta).unwrap() == pack.bytes());
    assert!(delta.len() < DELTA_HEADER_BYTES + 40);
}

#[test]
fn a_pack_without_rules_can_be_come_from_and_gone_to() {
    let (none, some) = (
        canonical_of_text(""),
        canonical_of(rules(5, &mut Dice(4)).values()),
    );
    assert_eq!(none.record_count(), 0);
    for (old, new) in [(&none, &some), (&some, &none)] {
        let delta = make_delta(old, new).unwrap();
        assert!(applied(old, &delta).unwrap() == new.bytes());
    }
}

#[test]
fn large_address_sets_stand_once() {
    let list: Vec<String> = (0..200)
        .map(|n| format!("198.51.100.{n}/32,203.0.113.{n}"))
        .collect();
    let list: Vec<&str> = list.iter().map(String::as_str).step_by(2).collect();
    let rule = |sid: u32| {
        format!(
            "alert ip [{}] any -> any any (msg:\"x\"; sid:{sid};)\n",
            list.join(",")
        )
    };
    let pack = canonical_of_text(&(rule(1) + &rule(2)));
    assert_eq!(pack.count_of(RecordKind::AddressSet), 1);
    assert_eq!(pack.count_of(RecordKind::Rule), 2);
    let mapped = Pack::from_bytes(derived(&pack)).unwrap();
    let sets: Vec<_> = mapped.rules().map(|rule| rule.header().source).collect();
    assert_eq!(sets[0], sets[1]);
    let set = mapped.address_set(sets[0]);
    assert!(set.contains("203.0.113.4".parse().unwrap()));
    assert!(!set.contains("203.0.113.5".parse().unwrap()));
}

#[test]
fn rules_that_do_not_run_are_carried() {
    let text = "alert tcp any any -> any any (msg:\"lua\"; lua:x.lua; sid:5; rev:3;)\n";
    let pack = canonical_of_text(text);
    let mapped = Pack::from_bytes(derived(&pack)).unwrap();
    let named: Vec<_> = mapped
        .unsupported()
        .map(|rule| (rule.id.sid, rule.id.rev))
        .collect();
    assert_eq!(
        (pack.count_of(RecordKind::Unsupported), named),
        (1, vec![(5, 3)])
    );
}

/// Two packs and the delta between them.
fn example() -> (CanonicalPack, CanonicalPack, Vec<u8>) {
    let mut dice = Dice(9);
    let mut rules = rules(30, &mut dice);
    let old = canonical_of(rules.values());
    for _ in 0..6 {
        change(&mut rules, &mut dice);
    }
    let new = canonical_of(rules.values());
    let delta = make_delta(&old, &new).unwrap();
    (old, new, delta)
}

fn message(result: Result<Vec<u8>, CanonicalError>) -> String {
    let message = result.unwrap_err().to_string();
    assert!(!message.contains('\n'));
    message
}

#[test]
fn a_delta_from_another_pack_is_refused() {
    let (_, new, delta) = example();
    let message = message(applied(&new, &delta));
    assert!(
        message.starts_with("the delta starts from the pack "),
        "{message}"
    );
}

#[test]
fn a_delta_that_is_cut_off_is_refused() {
    let (old, _, delta) = example();
    for length in 0..delta.len() {
        let result = applied(&old, &delta[..length]);
        assert!(result.is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_delta_with_a_flipped_bit_is_refused() {
    let (old, new, delta) = example();
    for index in 0..delta.len() {
        let mut changed = delta.clone();
        changed[index] ^= 1 << (index % 8);
        // A bit that zstd does not look at may change nothing; it never gives another pack.
        if let Ok(bytes) = applied(&old, &changed) {
            assert!(bytes == new.bytes(), "byte {index}");
        }
    }
}

#[test]
fn a_delta_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
    let (old, _, delta) = example();
    for at in [16, 20] {
        let mut changed = delta.clone();
        changed[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(message(applied(&old, &changed)).contains("too much differs"));
    }
}

#[test]
fn a_delta_of_a_foreign_version_is_refused() {
    let (old, _, mut delta) = example();
    delta[8] = 9;
    assert!(message(applied(&old, &delta)).contains("format version 9"));
    assert!(message(applied(&old, b"not a delta")).contains("not a delta"));
}

fn refused(bytes: Vec<u8>) -> String {
    CanonicalPack::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn a_canonical_pack_that_is_not_whole_is_refused() {
    let (old, _, _) = example();
    let bytes = old.bytes();
    assert!(refused(bytes[..bytes.len() - 1].to_vec()).contains("cut off"));
    assert!(refused(bytes[..40].to_vec()).contains("cut off"));
    assert!(refused(Vec::new()).contains("not a canonical rule pack"));
    let mut changed = bytes.to_vec();
    changed[bytes.len() / 2] ^= 4;
    assert!(refused(changed).contains("its digest does not fit"));
    let mut changed = bytes.to_vec();
    changed[8] = 9;
    assert!(refused(changed).contains("format version 9"));
    let mut changed = bytes.to_vec();
    changed[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refused(changed).contains("more than"));
}

/// Gives bytes the digest that fits them, as one who knows the format would.
fn with_fitting_digest(mut bytes: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    if let Some(covered) = bytes.get(56..) {
        let digest = Sha256::digest(covered);
        bytes[24..56].copy_from_slice(&digest);
    }
    bytes
}

#[test]
fn a_canonical_pack_that_names_another_derived_pack_is_refused() {
    let (old, _, _) = example();
    let mut bytes = old.bytes().to_vec();
    bytes[60] ^= 1;
    let pack = CanonicalPack::from_bytes(with_fitting_digest(bytes)).unwrap();
    let mut out = Vec::new();
    let error = derive(&pack, &mut out).unwrap_err();
    assert!(
        matches!(error, CanonicalError::DerivedDiffers { .. }),
        "{error}"
    );
    assert!(out.is_empty());
}

proptest! {
    #[test]
    fn a_tampered_canonical_pack_with_a_fitting_digest_is_refused_or_harmless(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut bytes = canonical_of(rules(4, &mut Dice(5)).values()).bytes().to_vec();
        for (index, value) in changes {
            let index = 96 + index.index(bytes.len() - 96);
            bytes[index] = value;
        }
        if let Ok(pack) = CanonicalPack::from_bytes(with_fitting_digest(bytes)) {
            let mut out = Vec::new();
            if derive(&pack, &mut out).is_ok() {
                prop_assert!(Pack::from_bytes(out).is_ok());
            }
        }
    }
}

#[test]
fn short_patterns_of_rules_with_few_ports_have_groups_of_those_ports() {
    let canonical = canonical_of_text(
        "alert tcp any any -> any [80,443] (msg:\"few\"; flow:to_server; content:\"|16 03|\"; sid:1;)\n\
         alert tcp any 7000 -> any [80,443] (msg:\"fewer at the other end\"; flow:to_server; content:\"|16 03|\"; sid:2;)\n\
         alert tcp any any -> any !80 (msg:\"many\"; flow:to_server; content:\"|16 03|\"; sid:3;)\n\
         alert tcp any any -> any 80 (msg:\"long\"; flow:to_server; content:\"four\"; sid:4;)\n\
         alert udp any any -> any 53 (msg:\"datagrams\"; content:\"|01|\"; sid:5;)\n\
         alert http any any -> any 80 (msg:\"buffer\"; http.uri; content:\"ab\"; sid:6;)",
    );
    let pack = Pack::from_bytes(derived(&canonical)).unwrap();
    /// Each pattern with the rules it leads to.
    type Patterns = Vec<(Vec<u8>, Vec<u32>)>;
    let found: Vec<(PrefilterScope, Patterns)> = pack
        .prefilter_groups()
        .map(|group| {
            let sid = |rule| pack.rule(rule).unwrap().id().sid;
            let patterns = group.patterns().enumerate().map(|(number, pattern)| {
                (pattern.to_vec(), group.rules_of(number).map(sid).collect())
            });
            (group.scope(), patterns.collect())
        })
        .collect();
    let short = |sids: &[u32]| vec![(b"\x16\x03".to_vec(), sids.to_vec())];
    assert_eq!(
        found,
        [
            (
                PrefilterScope::Stream(Side::ToServer),
                vec![(b"\x16\x03".to_vec(), vec![3]), (b"four".to_vec(), vec![4])]
            ),
            (
                PrefilterScope::Buffer(Buffer::HttpUri, Side::ToServer),
                vec![(b"ab".to_vec(), vec![6])]
            ),
            (
                PrefilterScope::PacketPayloadAtPort(TransportClass::Udp, 53),
                vec![(vec![1], vec![5])]
            ),
            (
                PrefilterScope::StreamAtPort(Side::ToServer, 80),
                short(&[1])
            ),
            (
                PrefilterScope::StreamAtPort(Side::ToServer, 443),
                short(&[1])
            ),
            (
                PrefilterScope::StreamAtPort(Side::ToServer, 7000),
                short(&[2])
            ),
        ]
    );
}
