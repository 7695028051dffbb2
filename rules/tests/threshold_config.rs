//! `threshold.config`: what its lines put on rules, and what is said of lines with mistakes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lapwing_rules::{
    Compiled, Settings, compile,
    model::{AlertLimit, Effect, SuppressBy, ThresholdKind, TrackBy},
    pack::{CanonicalPack, Pack, derive},
    source::Source,
};

const RULES: &str = r#"
alert tcp any any -> any any (msg:"plain"; sid:1;)
alert tcp any any -> any any (msg:"has its own"; threshold:type limit,track by_src,count 1,seconds 60; sid:2;)
alert tcp any any -> any any (msg:"of another generator"; gid:7; sid:3;)
"#;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.into(),
        bytes: text.as_bytes().to_vec(),
    }
}

fn with(thresholds: &str) -> Compiled {
    let settings = Settings {
        thresholds: vec![source("threshold.config", thresholds)],
        ..Settings::default()
    };
    compile(&[source("test.rules", RULES)], &settings)
}

/// The limits of each rule, and whether it is mute.
fn limits(thresholds: &str) -> Vec<(Vec<AlertLimit>, bool)> {
    let compiled = with(thresholds);
    assert_eq!(compiled.diagnostics, [], "{thresholds}");
    let canonical = CanonicalPack::from_bytes(compiled.canonical).unwrap();
    let mut derived = Vec::new();
    derive(&canonical, &mut derived).unwrap();
    assert!(
        derived == compiled.pack,
        "the limits are those of the canonical pack"
    );
    let pack = Pack::from_bytes(compiled.pack).unwrap();
    pack.rules()
        .map(|rule| {
            let is_mute = rule.effects().any(|effect| effect == Effect::NoAlert);
            (rule.limits().collect(), is_mute)
        })
        .collect()
}

/// What is said of a line.
fn said(line: &str) -> String {
    let diagnostics = with(line).diagnostics;
    assert_eq!(diagnostics.len(), 1, "{line}: {diagnostics:?}");
    diagnostics[0].to_string()
}

#[test]
fn suppressions_stand_before_rate_limits() {
    let limits = limits(
        "# a comment\r\nsuppress gen_id 1, sig_id 2, \\\r\n  track by_either, ip [192.0.2.0/24, !192.0.2.7]\n",
    );
    assert_eq!(limits[0], (vec![], false));
    let [
        AlertLimit::Suppress { track, .. },
        AlertLimit::Threshold(own),
    ] = limits[1].0[..]
    else {
        panic!("{limits:?}")
    };
    assert_eq!(
        (track, own.kind),
        (SuppressBy::Either, ThresholdKind::Limit)
    );
}

#[test]
fn an_event_filter_replaces_the_limit_of_the_rule_it_names() {
    let limits = limits(
        "event_filter gen_id 1, sig_id 2, type both, track by_rule, count 5, seconds 0\nthreshold gen_id 7, sig_id 0, type threshold, count 2, track by_both, seconds 9",
    );
    let kinds: Vec<_> = limits
        .iter()
        .map(|(limits, _)| match limits[..] {
            [AlertLimit::Threshold(one)] => Some((one.kind, one.track, one.count, one.seconds)),
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [
            None,
            Some((ThresholdKind::Both, TrackBy::Rule, 5, 0)),
            Some((ThresholdKind::Threshold, TrackBy::Both, 2, 9)),
        ]
    );
}

#[test]
fn a_suppression_without_addresses_makes_rules_mute() {
    let mute =
        |thresholds| -> Vec<bool> { limits(thresholds).iter().map(|(_, mute)| *mute).collect() };
    assert_eq!(mute("suppress gen_id 1, sig_id 0"), [true, true, false]);
    assert_eq!(mute("suppress gen_id 0, sig_id 0"), [true, true, true]);
    assert_eq!(mute("  suppress gen_id 7 , sig_id 3"), [false, false, true]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (line, message) in [
        (
            "suppress gen_id 1",
            "threshold.config:1:1: error[bad-value]: `sig_id` is missing",
        ),
        (
            "\nsuppress gen_id 0, sig_id 1",
            "threshold.config:2:1: error[bad-value]: with a sig_id, the gen_id is not 0",
        ),
        (
            "suppress gen_id 1, sig_id 1, track by_rule, ip any",
            "error[bad-value]: what is suppressed is tracked",
        ),
        (
            "suppress gen_id 1, sig_id 1, ip 192.0.2.1",
            "`ip` has no meaning in this line",
        ),
        (
            "suppress gen_id 1, sig_id 1, track by_src, ip 192.0.2",
            "threshold.config:1:47: error",
        ),
        (
            "silence gen_id 1, sig_id 1",
            "a line begins with suppress, event_filter or rate_filter",
        ),
        (
            "event_filter gen_id 1, sig_id 1, type never, track by_src, count 1, seconds 1",
            "a type is limit",
        ),
        (
            "event_filter gen_id 1, sig_id 1, type limit, track by_src, count 0, seconds 1",
            "a count is greater than 0",
        ),
        (
            "event_filter gen_id 1, sig_id 1, type limit, track by_src, count 1, count 2, seconds 1",
            "`count` stands here twice",
        ),
        (
            "rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action burn, timeout 1",
            "a new action is",
        ),
        (
            "suppress gen_id 1, sig_id 99",
            "warning[limit-without-effect]: no rule has this gen_id and sig_id",
        ),
        (
            "rate_filter gen_id 1, sig_id 2, track by_src, count 1, seconds 1, new_action drop, timeout 1",
            "warning[limit-without-effect]: the rule keeps the limit it has",
        ),
        (
            "event_filter gen_id 0, sig_id 0, type limit, track by_src, count 1, seconds 1",
            "warning[limit-without-effect]: 1 rules keep the limit they have",
        ),
    ] {
        let said = said(line);
        assert!(said.contains(message), "{line}: {said}");
    }
}
