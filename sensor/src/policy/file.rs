//! The policy file: TOML, typed, all mistakes told together.

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::{civil::Date, tz::TimeZone};
use lapwing_wire::FactKind;

use super::{AddressRule, Field, FindingScope, HomeNetworks, Policy, TopList};
use crate::settings::document::{self, Mistakes, Section};

/// The version of the file format that this program reads.
pub const FORMAT: u64 = 1;
/// Bytes of a policy file.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;
/// Home networks of one policy.
pub const MAX_HOME_NETWORKS: usize = 4096;
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
        Policy {
            serial,
            site: name(root, "site"),
            operator: name(root, "operator"),
            valid_until_seconds: root.parsed("valid_until", end_of_day),
            findings: root.section("findings", findings),
            home_networks,
            home,
            others,
            summaries: root.section("summaries", summaries),
        }
    })
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

fn findings(section: &Section<'_>) -> Option<FindingScope> {
    let severities = section.numbers("severities", 1..=u64::from(LIGHTEST_SEVERITY));
    let fields = section.list("fields", |text| word(text, Field::ALL, Field::word));
    let facts = section.list("facts", |text| word(text, FactKind::NAMED, FactKind::name));
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

fn addresses(section: &Section<'_>) -> (HomeNetworks, AddressRule, AddressRule) {
    let networks = section.list("home_networks", network);
    let home = section
        .parsed("home", address_rule)
        .unwrap_or(AddressRule::Withhold);
    let others = section
        .parsed("others", address_rule)
        .unwrap_or(AddressRule::Withhold);
    match &networks {
        None => section.missing("home_networks", "list your networks, as [\"192.0.2.0/24\"]"),
        Some(networks) if networks.is_empty() && others == AddressRule::Clear => section.mistake(
            "home_networks",
            &"is empty: with others = \"clear\" every subscriber's address would leave; name your networks",
        ),
        Some(networks) if networks.len() > MAX_HOME_NETWORKS => {
            section.mistake("home_networks", &format!("has more than {MAX_HOME_NETWORKS} networks"));
        }
        Some(_) => {}
    }
    (
        HomeNetworks::new(networks.unwrap_or_default()),
        home,
        others,
    )
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

fn address_rule(text: &str) -> Result<AddressRule, String> {
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
        let mistakes = parse(text).unwrap_err().to_string();
        for expected in [
            "format: this program reads format 1",
            "site: must not be empty",
            "serial is missing",
            "payload: unknown key",
            "line 7: findings.severities: each entry",
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
