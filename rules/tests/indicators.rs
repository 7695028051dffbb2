//! Indicators on their way from lists to look-ups: the same lists give the same bytes, every value is found and nothing else, a changed
//! one costs a few bytes, and what does not hold together is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, net::IpAddr};

use lapwing_rules::{
    Compiled, Settings, compile,
    indicator::{IndicatorKind, Value, normalised_url},
    pack::{
        CanonicalPack, DELTA_HEADER_BYTES, IndicatorView, Pack, apply_delta, derive, make_delta,
    },
    source::Source,
};
use proptest::prelude::*;

const RULE: &str = "alert tcp any any -> any any (msg:\"a rule\"; content:\"abc\"; sid:1;)\n";

fn source(name: &str, text: String) -> Source {
    Source {
        name: name.into(),
        bytes: text.into_bytes(),
    }
}

fn compiled(lines: &[String]) -> Compiled {
    let list = format!("kind,value,id,severity,list\n{}\n", lines.join("\n"));
    let settings = Settings {
        indicators: vec![source("list.csv", list)],
        ..Settings::default()
    };
    let compiled = compile(&[source("rules", RULE.to_owned())], &settings);
    assert!(
        compiled.diagnostics.is_empty(),
        "{:?}",
        compiled.diagnostics
    );
    compiled
}

fn pack(lines: &[String]) -> Pack {
    Pack::from_bytes(compiled(lines).pack).unwrap()
}

fn found(view: Option<IndicatorView>) -> u32 {
    view.map_or(0, |view| view.id)
}

/// Lines of every kind, each with its own number.
fn lines(count: u32) -> Vec<String> {
    (1..=count)
        .map(|id| {
            let (a, b) = (id >> 8 & 0xff, id & 0xff);
            let value = match id % 9 {
                0 => format!("address,198.18.{a}.{b}"),
                1 => format!("address,2001:db8:{id:x}::/48"),
                2 => format!("domain,d{id}.example"),
                3 => format!("host,h{id}.example"),
                4 => format!("url,u.example/p{id}"),
                5 => format!("ja3,{id:032x}"),
                6 => format!("ja4,t13d{:04}h1_{id:012x}_{id:012x}", id % 10_000),
                7 => format!("sha1,{id:08x}{:032x}", 7),
                _ => format!("sha256,{id:08x}{:056x}", 8),
            };
            format!("{value},{id},{},{}", id % 3 + 1, id % 5 + 1)
        })
        .collect()
}

#[test]
fn the_order_of_lines_does_not_change_a_byte() {
    let mut lines = lines(2000);
    let one = compiled(&lines);
    lines.reverse();
    lines.rotate_left(777);
    let other = compiled(&lines);
    assert_eq!(one.pack, other.pack);
    assert_eq!(one.canonical, other.canonical);
    assert_eq!(one.counts.indicators, 2000);
}

#[test]
fn every_value_of_every_kind_is_found_with_its_number() {
    let lines = lines(3000);
    let pack = pack(&lines);
    let indicators = pack.indicators();
    for line in &lines {
        let fields: Vec<&str> = line.split(',').collect();
        let id: u32 = fields[2].parse().unwrap();
        let kind = IndicatorKind::from_name(fields[0]).unwrap();
        let view = match kind {
            IndicatorKind::Address => {
                let address = fields[1].split('/').next().unwrap();
                indicators.find_address(address.parse().unwrap())
            }
            IndicatorKind::Domain => indicators.find_name(format!("WWW.{}.", fields[1]).as_bytes()),
            IndicatorKind::Host => indicators.find_name(fields[1].as_bytes()),
            IndicatorKind::Url => {
                let (host, path) = fields[1].split_once('/').unwrap();
                indicators.find_url(&normalised_url(
                    host.as_bytes(),
                    format!("/{path}?q").as_bytes(),
                ))
            }
            kind => indicators.find(kind, Value::parse(kind, fields[1]).unwrap().key),
        };
        let view = view.unwrap();
        assert_eq!((view.id, view.kind), (id, kind), "{line}");
        let rule = pack.rule(indicators.rule_of(view.list).unwrap()).unwrap();
        assert_eq!((rule.id().gid, rule.id().sid), (2000, u32::from(view.list)));
        assert_eq!(rule.message(), format!("indicator list {}", view.list));
    }
    assert_eq!(indicators.iter().count(), lines.len());
    for kind in IndicatorKind::ALL {
        assert!(indicators.find(*kind, [0xee; 16]).is_none());
    }
}

#[test]
fn names_match_beneath_domains_and_nowhere_else() {
    let pack = pack(&[
        "domain,listed.example,1,1,1".to_owned(),
        "domain,deep.listed.example,2,1,1".to_owned(),
        "host,listed.example,3,1,1".to_owned(),
        "url,listed.example/a?b,4,1,1".to_owned(),
    ]);
    let indicators = pack.indicators();
    for (name, id) in [
        ("listed.example", 3),
        ("a.listed.example", 1),
        ("x.deep.Listed.example.", 2),
        ("notlisted.example", 0),
        ("example", 0),
        ("", 0),
        (".", 0),
        ("listed.example.org", 0),
    ] {
        assert_eq!(found(indicators.find_name(name.as_bytes())), id, "{name}");
    }
    for (target, id) in [("/a?b", 4), ("/%61?b", 4), ("/a", 0), ("/a?c", 0)] {
        let url = normalised_url(b"LISTED.example:8080", target.as_bytes());
        assert_eq!(found(indicators.find_url(&url)), id, "{target}");
    }
}

#[test]
fn a_rule_pack_has_not_changed_by_a_byte() {
    let without = compile(&[source("rules", RULE.to_owned())], &Settings::default());
    let pack = Pack::from_bytes(without.pack).unwrap();
    assert!(pack.indicators().is_empty());
    assert!(
        pack.indicators()
            .find_address(IpAddr::from([192, 0, 2, 1]))
            .is_none()
    );
    assert_eq!(pack.rule_count(), 1);
}

#[test]
fn a_changed_indicator_costs_a_few_bytes() {
    let before = lines(20_000);
    let mut after = before.clone();
    after[777] = after[777]
        .replacen(",1,", ",3,", 1)
        .replacen(",2,", ",3,", 1);
    after.remove(5000);
    after.push("domain,new.example,30000,1,1".to_owned());
    let (old, new) = (compiled(&before), compiled(&after));
    let open = |bytes| CanonicalPack::from_bytes(bytes).unwrap();
    let (old, new) = (open(old.canonical), open(new.canonical));
    let delta = make_delta(&old, &new).unwrap();
    let cost = delta.len() - DELTA_HEADER_BYTES;
    assert!(cost < 200, "three changes cost {cost} bytes");
    let mut arrived = Vec::new();
    apply_delta(&old, &delta, &mut arrived).unwrap();
    assert_eq!(arrived, new.bytes());
    let mut mapped = Vec::new();
    derive(&open(arrived), &mut mapped).unwrap();
    assert_eq!(mapped, compiled(&after).pack);
    assert_eq!(new.indicators().count(), after.len());
    assert_eq!(new.indicator_lists().count(), 5);
}

/// A prefix and an address that may lie in it.
fn address() -> impl Strategy<Value = u32> {
    // Few bits differ, so that prefixes nest and addresses are hit.
    (0..16_u32, 0..16_u32).prop_map(|(high, low)| 0xcb00_7100 | high << 4 | low)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_longest_prefix_is_found(
        prefixes in proptest::collection::vec((address(), 20..=32_u8), 1..40),
        asked in proptest::collection::vec(address(), 1..40),
    ) {
        let mask = |bits: u8| u32::MAX << (32 - u32::from(bits));
        // The lowest number of a prefix that stands twice is kept.
        let mut listed: BTreeMap<(u32, u8), u32> = BTreeMap::new();
        let mut lines = Vec::new();
        for (at, (address, bits)) in prefixes.iter().enumerate() {
            let id = u32::try_from(at).unwrap() + 1;
            let network = address & mask(*bits);
            lines.push(format!("address,{}/{bits},{id},1,1", std::net::Ipv4Addr::from(network)));
            listed.entry((network, *bits)).or_insert(id);
        }
        let pack = pack(&lines);
        for address in asked {
            let longest = listed
                .iter()
                .filter(|((network, bits), _)| address & mask(*bits) == *network)
                .max_by_key(|((_, bits), _)| *bits);
            let view = pack.indicators().find_address(std::net::Ipv4Addr::from(address).into());
            prop_assert_eq!(found(view), longest.map_or(0, |(_, id)| *id));
        }
    }
}
