//! Two policies side by side: what a new one lets leave that the old one did not, and the other way round.

use std::collections::BTreeSet;
use std::fmt::Display;

use lapwing_wire::FactKind;

use super::{
    AddressRule, Field, FindingScope, Mode, Networks, Policy, PseudonymMode, TopList,
    explain::time, language::Language,
};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it does.
    pub effect: Effect,
    /// What it is.
    pub text: String,
}

/// What a change does to what may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// More may leave, or other than before.
    Wider,
    /// Less may leave.
    Narrower,
    /// Nothing else leaves.
    Other,
}

/// The differences, the wider ones first.
#[must_use]
pub fn changes(before: &Policy, after: &Policy, language: Language) -> Vec<Change> {
    let mut found = Changes {
        language,
        changes: Vec::new(),
    };
    found.findings(before.findings.as_ref(), after.findings.as_ref());
    found.summaries(before.summaries.as_ref(), after.summaries.as_ref());
    found.addresses(before, after);
    found.rules(before, after);
    found.limits(before, after);
    for (what, before, after) in [
        (
            "serial",
            before.serial.to_string(),
            after.serial.to_string(),
        ),
        ("site", before.site.clone(), after.site.clone()),
        ("operator", before.operator.clone(), after.operator.clone()),
    ] {
        if before != after {
            let text = language.say_with(
                "diff-name",
                &[("what", &what), ("before", &before), ("after", &after)],
            );
            found.note(Effect::Other, text);
        }
    }
    found.changes.sort_by_key(|change| change.effect);
    found.changes
}

struct Changes {
    language: Language,
    changes: Vec<Change>,
}

impl Changes {
    fn note(&mut self, effect: Effect, text: String) {
        self.changes.push(Change { effect, text });
    }

    /// Something that has one value, where `effect` says what the new one does.
    fn value(
        &mut self,
        key: &str,
        effect: Option<Effect>,
        before: impl Display,
        after: impl Display,
    ) {
        if let Some(effect) = effect {
            let values: &[(&str, &dyn Display)] = &[("before", &before), ("after", &after)];
            let text = self.language.say_with(key, values);
            self.note(effect, text);
        }
    }

    /// A set of things each of which may leave.
    fn sets<T: Ord>(
        &mut self,
        key: &str,
        before: &BTreeSet<T>,
        after: &BTreeSet<T>,
        said: impl Fn(&T) -> String,
    ) {
        for (effect, things) in [
            (Effect::Wider, after.difference(before)),
            (Effect::Narrower, before.difference(after)),
        ] {
            for thing in things {
                let text = self.language.say_with(key, &[("what", &said(thing))]);
                self.note(effect, text);
            }
        }
    }

    fn findings(&mut self, before: Option<&FindingScope>, after: Option<&FindingScope>) {
        let language = self.language;
        match (before, after) {
            (None, None) => return,
            (None, Some(_)) => self.note(Effect::Wider, language.say("diff-findings").to_owned()),
            (Some(_), None) => {
                self.note(Effect::Narrower, language.say("diff-findings").to_owned());
            }
            (Some(_), Some(_)) => {}
        }
        let nothing = FindingScope {
            severities: BTreeSet::new(),
            fields: BTreeSet::new(),
            facts: BTreeSet::new(),
        };
        let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        self.sets(
            "diff-severity",
            &before.severities,
            &after.severities,
            u8::to_string,
        );
        self.sets(
            "diff-field",
            &before.fields,
            &after.fields,
            |field: &Field| language.say(&format!("field-{}", field.word())).to_owned(),
        );
        self.sets(
            "diff-fact",
            &before.facts,
            &after.facts,
            |kind: &FactKind| kind.name().to_owned(),
        );
    }

    fn summaries(&mut self, before: Option<&BTreeSet<TopList>>, after: Option<&BTreeSet<TopList>>) {
        let language = self.language;
        let effect = match (before, after) {
            (None, Some(_)) => Some(Effect::Wider),
            (Some(_), None) => Some(Effect::Narrower),
            _ => None,
        };
        if let Some(effect) = effect {
            self.note(effect, language.say("diff-summaries").to_owned());
        }
        let nothing = BTreeSet::new();
        let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        self.sets("diff-list", before, after, |list| {
            language.say(&format!("list-{}", list.word())).to_owned()
        });
    }

    fn addresses(&mut self, before: &Policy, after: &Policy) {
        for (key, old, new) in [
            ("diff-home", before.home, after.home),
            ("diff-others", before.others, after.others),
        ] {
            self.value(
                key,
                by_amount(openness(old), openness(new)),
                word(old),
                word(new),
            );
        }
        let (old, new) = (&before.home_networks, &after.home_networks);
        // Fewer protected networks let more leave; a network exchanged for another does both.
        self.value(
            "diff-home-networks",
            by_cover(new, old),
            texts(old),
            texts(new),
        );
    }

    fn rules(&mut self, before: &Policy, after: &Policy) {
        let (old, new) = (&before.mode, &after.mode);
        let effect = match (old, new) {
            (old, new) if old == new => None,
            (Mode::Full, _) => Some(Effect::Narrower),
            (Mode::InfrastructureOnly(old), Mode::InfrastructureOnly(new)) => by_cover(old, new),
            _ => Some(Effect::Wider),
        };
        self.value("diff-mode", effect, mode_text(old), mode_text(new));
        let effect = match (before.is_strict, after.is_strict) {
            (true, false) => Some(Effect::Wider),
            (false, true) => Some(Effect::Narrower),
            _ => None,
        };
        let language = self.language;
        let yes = |is| language.say(if is { "yes" } else { "no" });
        self.value(
            "diff-strict",
            effect,
            yes(before.is_strict),
            yes(after.is_strict),
        );
        let (old, new) = (&before.rules, &after.rules);
        let ranges = |origins: Option<&Vec<_>>| {
            origins.map(|all| all.iter().map(ToString::to_string).collect())
        };
        self.allowed(
            "diff-origins",
            &ranges(old.origins.as_ref()),
            &ranges(new.origins.as_ref()),
        );
        self.allowed("diff-groups", &old.groups, &new.groups);
        let lists = |lists: Option<&BTreeSet<u16>>| {
            lists.map(|all| all.iter().map(u16::to_string).collect())
        };
        self.allowed(
            "diff-lists",
            &lists(old.indicator_lists.as_ref()),
            &lists(new.indicator_lists.as_ref()),
        );
        self.value(
            "diff-may-name",
            by_cover(&old.may_name, &new.may_name),
            texts(&old.may_name),
            texts(&new.may_name),
        );
    }

    /// A list of what is allowed; without one all is.
    fn allowed(
        &mut self,
        key: &str,
        before: &Option<BTreeSet<String>>,
        after: &Option<BTreeSet<String>>,
    ) {
        let effect = match (before, after) {
            (old, new) if old == new => None,
            (None, Some(_)) => Some(Effect::Narrower),
            (Some(old), Some(new)) if new.is_subset(old) => Some(Effect::Narrower),
            _ => Some(Effect::Wider),
        };
        let language = self.language;
        let said = |set: &Option<BTreeSet<String>>| match set {
            None => language.say("all").to_owned(),
            Some(set) if set.is_empty() => language.say("none").to_owned(),
            Some(set) => language.listed(set, "and"),
        };
        self.value(key, effect, said(before), said(after));
    }

    fn limits(&mut self, before: &Policy, after: &Policy) {
        let language = self.language;
        let said = |value: Option<u64>| {
            value.map_or_else(
                || language.say("unlimited").to_owned(),
                |value| value.to_string(),
            )
        };
        for (what, old, new) in [
            ("day", before.budget.day_bytes, after.budget.day_bytes),
            ("month", before.budget.month_bytes, after.budget.month_bytes),
        ] {
            if let Some(effect) = by_limit(old, new) {
                let values: &[(&str, &dyn Display)] = &[
                    ("what", &what),
                    ("before", &said(old)),
                    ("after", &said(new)),
                ];
                self.note(effect, language.say_with("diff-budget", values));
            }
        }
        let (old, new) = (before.retention_days, after.retention_days);
        self.value("diff-retention", by_limit(old, new), said(old), said(new));
        let end = |end: Option<u64>| end.map_or_else(|| language.say("unlimited").to_owned(), time);
        let (old, new) = (before.valid_until_seconds, after.valid_until_seconds);
        self.value("diff-end", by_limit(old, new), end(old), end(new));
        let (old, new) = (&before.quiet_hours, &after.quiet_hours);
        let effect = (old != new).then_some({
            if old.iter().all(|hours| new.contains(hours)) {
                Effect::Narrower
            } else {
                Effect::Wider
            }
        });
        let hours = |hours: &Vec<_>| match hours.as_slice() {
            [] => language.say("none").to_owned(),
            some => language.listed(some, "and"),
        };
        self.value("diff-quiet", effect, hours(old), hours(new));
    }
}

/// How much a rule about addresses tells.
fn openness(rule: AddressRule) -> u64 {
    match rule {
        AddressRule::Withhold => 0,
        AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes) => 1,
        AddressRule::Pseudonym(PseudonymMode::KeepPrefixes) => 2,
        AddressRule::Clear => 3,
    }
}

fn word(rule: AddressRule) -> &'static str {
    match rule {
        AddressRule::Withhold => "withhold",
        AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes) => "pseudonym-without-prefixes",
        AddressRule::Pseudonym(PseudonymMode::KeepPrefixes) => "pseudonym",
        AddressRule::Clear => "clear",
    }
}

fn by_amount(before: u64, after: u64) -> Option<Effect> {
    match before.cmp(&after) {
        std::cmp::Ordering::Less => Some(Effect::Wider),
        std::cmp::Ordering::Greater => Some(Effect::Narrower),
        std::cmp::Ordering::Equal => None,
    }
}

/// A limit, where none is the widest.
fn by_limit(before: Option<u64>, after: Option<u64>) -> Option<Effect> {
    by_amount(before.unwrap_or(u64::MAX), after.unwrap_or(u64::MAX))
}

/// Networks that let something leave: wider unless all of the new ones lie in the old ones.
fn by_cover(before: &Networks, after: &Networks) -> Option<Effect> {
    if before == after {
        None
    } else if after.iter().all(|network| before.contains_network(network)) {
        Some(Effect::Narrower)
    } else {
        Some(Effect::Wider)
    }
}

fn texts(networks: &Networks) -> String {
    let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

fn mode_text(mode: &Mode) -> String {
    match mode {
        Mode::InfrastructureOnly(networks) => format!("{} {}", mode.word(), texts(networks)),
        _ => mode.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{TEMPLATE, file};

    fn effects(before: &str, after: &str) -> Vec<(Effect, String)> {
        let parse = |text: &str| file::parse(text).unwrap();
        let changes = changes(&parse(before), &parse(after), Language::English);
        changes
            .into_iter()
            .map(|change| (change.effect, change.text))
            .collect()
    }

    /// Each edit of the template is wider one way and narrower the other.
    #[test]
    fn every_change_is_told_with_its_direction() {
        let top = |line: &'static str| ("serial = 1 ", format!("{line}\nserial = 1 "));
        let wider: &[(&str, String)] = &[
            (
                "severities = [1, 2, 3]",
                "severities = [1, 2, 3, 4]".to_owned(),
            ),
            (
                "\"http.host\", ",
                "\"http.host\", \"http.uri\", ".to_owned(),
            ),
            ("home = \"withhold\"", "home = \"pseudonym\"".to_owned()),
            ("home = \"withhold\"", "home = \"clear\"".to_owned()),
            ("\"10.0.0.0/8\", ", String::new()),
        ];
        let narrower: &[(&str, String)] = &[
            ("others = \"clear\"", "others = \"withhold\"".to_owned()),
            ("\"source_port\", ", String::new()),
            ("\"sources\", ", String::new()),
            (
                "[summaries]\nsend = true",
                "[summaries]\nsend = false".to_owned(),
            ),
            (
                "[findings]\nsend = true",
                "[findings]\nsend = false".to_owned(),
            ),
            top("mode = 'dns-only'"),
            top("retention_days = 3"),
            top("valid_until = '2030-01-01'"),
            (
                "[addresses]",
                "[rules]\norigins = ['1-5']\n[addresses]".to_owned(),
            ),
            (
                "[addresses]",
                "[rules]\ngroups = ['a']\n[addresses]".to_owned(),
            ),
            (
                "[addresses]",
                "[rules]\nindicator_lists = []\n[addresses]".to_owned(),
            ),
            (
                "[addresses]",
                "[budget]\nday = '1 MiB'\n[addresses]".to_owned(),
            ),
            (
                "[addresses]",
                "[budget]\nquiet_hours = ['22:00-06:00']\n[addresses]".to_owned(),
            ),
        ];
        for (edits, expected, opposite) in [
            (wider, Effect::Wider, Effect::Narrower),
            (narrower, Effect::Narrower, Effect::Wider),
        ] {
            for (from, to) in edits {
                let edited = TEMPLATE.replacen(from, to, 1);
                assert_ne!(edited, TEMPLATE, "{from}");
                for (before, after, expected) in [
                    (TEMPLATE, edited.as_str(), expected),
                    (edited.as_str(), TEMPLATE, opposite),
                ] {
                    let found = effects(before, after);
                    assert!(!found.is_empty(), "{from} -> {to}");
                    assert!(
                        found.iter().all(|(effect, _)| *effect == expected),
                        "{from} -> {to}: {found:?}"
                    );
                }
            }
        }
        assert!(effects(TEMPLATE, TEMPLATE).is_empty());
    }

    #[test]
    fn an_exchanged_network_is_wider() {
        let other = TEMPLATE.replace("10.0.0.0/8", "11.0.0.0/8");
        assert_eq!(effects(TEMPLATE, &other)[0].0, Effect::Wider);
    }
}
