//! The policy file: TOML, typed, all mistakes told together.

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::{civil::Date, tz::TimeZone};
use lapwing_wire::FactKind;

use super::{
    AddressRule, Budget, Field, FindingScope, Mode, Networks, Policy, PseudonymMode, QuietHours,
    RuleScope, SidRange, TopList, is_free_text,
};
use crate::settings::{
    document::{self, Mistakes, Section},
    quantity::parse_bytes,
};

/// The version of the file format that this program reads.
pub const FORMAT: u64 = 1;
/// Bytes of a policy file.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;
/// Home networks of one policy.
pub const MAX_HOME_NETWORKS: usize = 4096;
/// Ranges of rule numbers, class types, parts of the day: entries of one list.
const MAX_ENTRIES: usize = 256;
/// Days that records may wait at the edge.
const MAX_RETENTION_DAYS: u64 = 3650;
/// Characters of a name in a policy.
const MAX_NAME_CHARACTERS: usize = 200;
/// The last severity that policies tell apart: it stands for itself and all lighter ones.
pub(super) const LIGHTEST_SEVERITY: u8 = 4;

/// Reads a policy from its text.
///
/// # Errors
/// All mistakes together, each with its line.
pub fn parse(text: &str) -> Result<Policy, Mistakes> {
    document::read(text, |root| {
        match root.number("format", 0..=u64::MAX) {
            Some(FORMAT) => {}
            Some(_) => root.mistake("format", &format!("this program reads format {FORMAT}")),
            None => root.missing("format", "write format = 1"),
        }
        let serial = root.number("serial", 1..=u64::MAX).unwrap_or_else(|| {
            root.missing("serial", "write serial = 1 and raise it with each change");
            0
        });
        let (home_networks, home, others) = root.section("addresses", addresses);
        let (budget, quiet_hours) = root.section("budget", budget);
        let is_strict = root.boolean("strict").unwrap_or(false);
        let rungs = rungs(root);
        let findings = root.section("findings", |section| findings(section, is_strict));
        let summaries = root.section("summaries", summaries);
        Policy {
            serial,
            site: name(root, "site"),
            operator: name(root, "operator"),
            valid_until_seconds: root.parsed("valid_until", end_of_day),
            mode: mode(root),
            is_strict,
            findings: findings
                .filter(|_| rungs.contains(&Rung::Findings))
                .map(|scope| scope.up_to(&rungs)),
            rules: root.section("rules", |section| rules(section, &home_networks)),
            home_networks,
            home,
            others,
            summaries: summaries.filter(|_| rungs.contains(&Rung::Digest)),
            budget,
            quiet_hours,
            retention_days: root.number("retention_days", 1..=MAX_RETENTION_DAYS),
        }
    })
}

/// A step of the ladder of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Digest,
    Findings,
    Facts,
}

impl FindingScope {
    fn up_to(mut self, rungs: &BTreeSet<Rung>) -> Self {
        if !rungs.contains(&Rung::Facts) {
            self.facts.clear();
        }
        self
    }
}

/// The rungs that may leave; all that there are where nothing is said.
fn rungs(root: &Section<'_>) -> BTreeSet<Rung> {
    let numbers = root.numbers("rungs", 0..=3);
    if numbers.as_ref().is_some_and(|numbers| numbers.contains(&3)) {
        root.mistake(
            "rungs",
            &"rung 3 is evidence, payload and packets: it never leaves; write [0, 1, 2]",
        );
    }
    let rung = |number| match number {
        0 => Some(Rung::Digest),
        1 => Some(Rung::Findings),
        2 => Some(Rung::Facts),
        _ => None,
    };
    let numbers = numbers.unwrap_or_else(|| vec![0, 1, 2]);
    numbers.into_iter().filter_map(rung).collect()
}

fn mode(root: &Section<'_>) -> Mode {
    let infrastructure = networks(root, "infrastructure");
    let word = root.text("mode").unwrap_or("full");
    let needs_none = |mode| {
        if infrastructure.is_some() {
            root.mistake(
                "infrastructure",
                &"stands without mode = \"infrastructure-only\"",
            );
        }
        mode
    };
    match word {
        "full" => needs_none(Mode::Full),
        "dns-only" => needs_none(Mode::DnsOnly),
        "indicators-only" => needs_none(Mode::IndicatorsOnly),
        "infrastructure-only" => {
            let networks = infrastructure.filter(|networks| !networks.is_empty());
            if networks.is_none() {
                root.missing(
                    "infrastructure",
                    "list the networks that are looked at, as [\"192.0.2.0/28\"]",
                );
            }
            Mode::InfrastructureOnly(Networks::new(networks.unwrap_or_default()))
        }
        other => {
            root.mistake("mode", &format!("`{other}` is unknown; known are full, dns-only, indicators-only, infrastructure-only"));
            Mode::Full
        }
    }
}

fn rules(section: &Section<'_>, home_networks: &Networks) -> RuleScope {
    let lists = section.numbers("indicator_lists", 0..=u64::from(u16::MAX));
    let may_name = networks(section, "may_name").unwrap_or_default();
    for network in &may_name {
        if !home_networks.contains_network(network) {
            section.mistake(
                "may_name",
                &format!("{network} is not inside a home network: rules may name it anyway"),
            );
        }
    }
    let class_type = |text: &str| {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !text.is_empty() && text.chars().all(is_word) {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "`{text}` is no class type; write for example \"trojan-activity\""
            ))
        }
    };
    RuleScope {
        origins: few(section, "origins", section.list("origins", SidRange::parse)),
        groups: few(section, "groups", section.list("groups", class_type))
            .map(|groups| groups.into_iter().collect()),
        indicator_lists: lists.map(|lists| {
            let numbers = lists
                .into_iter()
                .filter_map(|list| u16::try_from(list).ok());
            numbers.collect()
        }),
        may_name: Networks::new(may_name),
    }
}

fn budget(section: &Section<'_>) -> (Budget, Vec<QuietHours>) {
    let bytes = |key| section.parsed(key, parse_bytes);
    let budget = Budget {
        day_bytes: bytes("day"),
        month_bytes: bytes("month"),
    };
    if let (Some(day), Some(month)) = (budget.day_bytes, budget.month_bytes)
        && day > month
    {
        section.mistake("day", &"is more than budget.month");
    }
    let quiet_hours = section.list("quiet_hours", QuietHours::parse);
    (
        budget,
        few(section, "quiet_hours", quiet_hours).unwrap_or_default(),
    )
}

/// A list that is not too long.
fn few<T>(section: &Section<'_>, key: &'static str, entries: Option<Vec<T>>) -> Option<Vec<T>> {
    let entries = entries?;
    if entries.len() > MAX_ENTRIES {
        section.mistake(key, &format!("has more than {MAX_ENTRIES} entries"));
    }
    Some(entries)
}

fn name(section: &Section<'_>, key: &'static str) -> String {
    match section.text(key) {
        None => section.missing(key, "write a name in quotes"),
        Some(text) if text.trim().is_empty() => section.mistake(key, &"must not be empty"),
        Some(text) if text.chars().count() > MAX_NAME_CHARACTERS => {
            section.mistake(
                key,
                &format!("is longer than {MAX_NAME_CHARACTERS} characters"),
            );
        }
        Some(text) if text.chars().any(char::is_control) => {
            section.mistake(key, &"must be one line of plain text");
        }
        Some(text) => return text.to_owned(),
    }
    String::new()
}

/// The last second of a day, UTC.
fn end_of_day(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a day; write for example \"2028-12-31\"");
    let day = text.parse::<Date>().map_err(|_| wrong())?;
    let midnight = day.tomorrow().and_then(|day| day.to_zoned(TimeZone::UTC));
    let second = midnight.map_err(|_| wrong())?.timestamp().as_second() - 1;
    u64::try_from(second).map_err(|_| wrong())
}

fn findings(section: &Section<'_>, is_strict: bool) -> Option<FindingScope> {
    let severities = section.numbers("severities", 1..=u64::from(LIGHTEST_SEVERITY));
    let fields = section.list("fields", |text| word(text, Field::ALL, Field::word));
    let facts = section.list("facts", |text| word(text, FactKind::NAMED, FactKind::name));
    let free = facts.iter().flatten().find(|kind| is_free_text(**kind));
    if let Some(kind) = free.filter(|_| is_strict) {
        section.mistake(
            "facts",
            &format!(
                "{} is free text, which a strict policy keeps here",
                kind.name()
            ),
        );
    }
    if !send(section) {
        return None;
    }
    let severities = severities.unwrap_or_else(|| {
        section.missing("severities", "list those that may leave, as [1, 2, 3]");
        Vec::new()
    });
    let severities = severities
        .into_iter()
        .filter_map(|number| u8::try_from(number).ok());
    Some(FindingScope {
        severities: severities.collect(),
        fields: fields.unwrap_or_default().into_iter().collect(),
        facts: facts.unwrap_or_default().into_iter().collect(),
    })
}

fn summaries(section: &Section<'_>) -> Option<BTreeSet<TopList>> {
    let lists = section.list("top_lists", |text| word(text, TopList::ALL, TopList::word));
    send(section).then(|| lists.unwrap_or_default().into_iter().collect())
}

fn send(section: &Section<'_>) -> bool {
    section.boolean("send").unwrap_or_else(|| {
        section.missing("send", "write send = true or send = false");
        false
    })
}

fn addresses(section: &Section<'_>) -> (Networks, AddressRule, AddressRule) {
    let networks = networks(section, "home_networks");
    let home = section
        .parsed("home", home_rule)
        .unwrap_or(AddressRule::Withhold);
    let others = section
        .parsed("others", other_rule)
        .unwrap_or(AddressRule::Withhold);
    match &networks {
        None => section.missing("home_networks", "list your networks, as [\"192.0.2.0/24\"]"),
        Some(networks) if networks.is_empty() && others == AddressRule::Clear => section.mistake(
            "home_networks",
            &"is empty: with others = \"clear\" every subscriber's address would leave; name your networks",
        ),
        Some(_) => {}
    }
    (Networks::new(networks.unwrap_or_default()), home, others)
}

fn networks(section: &Section<'_>, key: &'static str) -> Option<Vec<IpNet>> {
    let networks = section.list(key, network)?;
    if networks.len() > MAX_HOME_NETWORKS {
        section.mistake(key, &format!("has more than {MAX_HOME_NETWORKS} networks"));
    }
    Some(networks)
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().map_err(|_| {
        format!("`{text}` is not a network; write for example 192.0.2.0/24 or 2001:db8::/32")
    })?;
    if network.trunc() == network {
        Ok(network)
    } else {
        Err(format!(
            "`{text}` has bits behind its length; did you mean {}?",
            network.trunc()
        ))
    }
}

fn home_rule(text: &str) -> Result<AddressRule, String> {
    match text {
        "pseudonym" => Ok(AddressRule::Pseudonym(PseudonymMode::KeepPrefixes)),
        "pseudonym-without-prefixes" => {
            Ok(AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes))
        }
        other => other_rule(other).map_err(|_| {
            format!(
                "`{other}` is unknown; write \"withhold\", \"pseudonym\", \"pseudonym-without-prefixes\" or \"clear\""
            )
        }),
    }
}

fn other_rule(text: &str) -> Result<AddressRule, String> {
    match text {
        "withhold" => Ok(AddressRule::Withhold),
        "clear" => Ok(AddressRule::Clear),
        other => Err(format!(
            "`{other}` is unknown; write \"withhold\" or \"clear\""
        )),
    }
}

fn word<T: Copy>(text: &str, all: &[T], word_of: impl Fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().copied().find(|value| word_of(*value) == text);
    found.ok_or_else(|| {
        let known = all.iter().map(|value| word_of(*value)).collect::<Vec<_>>();
        format!("`{text}` is unknown; known are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::TEMPLATE;

    #[test]
    fn the_template_is_a_policy_that_withholds_home_addresses() {
        let policy = parse(TEMPLATE).unwrap();
        assert_eq!(policy.home, AddressRule::Withhold);
        assert!(policy.home_networks.contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn all_mistakes_are_told_together() {
        let text = "format = 2\nsite = ''\noperator = 'NOC'\npayload = true\n\
            [findings]\nsend = true\nseverities = [0, 1]\nfields = ['source_adress']\nfacts = ['http.host', 'x']\n\
            [addresses]\nhome_networks = ['10.0.0.1/8', 'home']\nhome = 'open'\n";
        let text = format!(
            "mode = 'narrow'\nrungs = [1, 3]\nretention_days = 0\n{text}[rules]\norigins = ['x']\nmay_name = ['192.0.2.0/24']\n\
             [budget]\nday = '2 MiB'\nmonth = '1 MiB'\nquiet_hours = ['25:00-06:00']\n"
        );
        let mistakes = parse(&text).unwrap_err().to_string();
        for expected in [
            "`narrow` is unknown",
            "rung 3 is evidence",
            "retention_days: must be",
            "`x` is no range of rule numbers",
            "not inside a home network",
            "is more than budget.month",
            "`25:00-06:00` is no part of a day",
            "format: this program reads format 1",
            "site: must not be empty",
            "serial is missing",
            "payload: unknown key",
            "line 10: findings.severities: each entry",
            "`source_adress` is unknown",
            "`x` is unknown",
            "did you mean 10.0.0.0/8?",
            "`home` is not a network",
            "`open` is unknown",
            "summaries.send is missing",
        ] {
            assert!(mistakes.contains(expected), "{expected}: {mistakes}");
        }
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let text = TEMPLATE
            .replace("serial = 1 ", "mode = \"infrastructure-only\"\ninfrastructure = [\"192.0.2.0/28\"]\nretention_days = 30\nserial = 1 ")
            .replace("home = \"withhold\"", "home = \"pseudonym-without-prefixes\"")
            + "[rules]\norigins = [\"9000000-9099999\"]\ngroups = [\"trojan-activity\"]\nindicator_lists = [1]\nmay_name = [\"10.0.0.53/32\"]\n\
               [budget]\nday = \"1 MiB\"\nmonth = \"20 MiB\"\nquiet_hours = [\"22:00-06:00\"]\n";
        let policy = parse(&text).unwrap();
        assert_eq!(policy.mode.word(), "infrastructure-only");
        assert_eq!(
            policy.home,
            AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes)
        );
        assert!(policy.rules.allows_origin(9_000_001) && !policy.rules.allows_origin(1));
        assert!(policy.rules.allows_list(1) && !policy.rules.allows_list(2));
        assert_eq!(policy.budget.month_bytes, Some(20 << 20));
        assert_eq!(policy.quiet_hours.len(), 1);
        assert_eq!(policy.retention_days, Some(30));
    }

    #[test]
    fn rungs_take_away() {
        let with = |rungs: &str| {
            parse(&TEMPLATE.replace("serial = 1 ", &format!("rungs = {rungs}\nserial = 1 ")))
                .unwrap()
        };
        assert_eq!(with("[0, 1, 2]"), parse(TEMPLATE).unwrap());
        assert!(with("[0]").findings.is_none() && with("[0]").summaries.is_some());
        assert!(with("[1]").findings.unwrap().facts.is_empty());
        assert!(with("[1]").summaries.is_none());
    }

    #[test]
    fn a_strict_policy_keeps_free_text() {
        let strict = TEMPLATE.replace("serial = 1 ", "strict = true\nserial = 1 ");
        assert!(
            parse(&strict)
                .unwrap_err()
                .to_string()
                .contains("http.host is free text")
        );
        let closed = strict
            .replace("\"http.host\", \"http.method\", \"dns.query\", ", "")
            .replace("\"tls.sni\", ", "");
        let policy = parse(&closed).unwrap();
        assert!(
            !policy
                .findings
                .unwrap()
                .facts
                .iter()
                .any(|kind| is_free_text(*kind))
        );
    }

    #[test]
    fn clear_addresses_without_home_networks_are_refused() {
        let text = TEMPLATE.replace("home_networks = [", "home_networks = []\nunused = [");
        assert!(parse(&text).unwrap_err().to_string().contains("is empty"));
    }

    #[test]
    fn an_empty_file_names_everything_that_is_missing() {
        let mistakes = parse("").unwrap_err();
        assert_eq!(mistakes.0.len(), 7, "{mistakes}");
    }
}
