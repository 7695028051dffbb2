//! A policy in plain words, for the person who signs it.

use std::fmt::Display;

use jiff::Timestamp;

use super::{AddressRule, FindingScope, Policy};

/// Says in sentences what leaves under a policy and what does not.
#[must_use]
pub fn explain(policy: &Policy) -> String {
    let mut text = format!(
        "Policy {} for {}, answered for by {}.\n\n",
        policy.serial, policy.site, policy.operator
    );
    if let Some(ends) = policy.valid_until_seconds {
        let ends = i64::try_from(ends)
            .ok()
            .and_then(|ends| Timestamp::from_second(ends).ok());
        let ends = ends.map_or_else(|| "its last day".to_owned(), |ends| ends.to_string());
        line(
            &mut text,
            format_args!("It ends at {ends}; after that nothing leaves but heartbeats."),
        );
    }
    match &policy.findings {
        None => text.push_str("Findings: none leaves.\n"),
        Some(scope) => explain_findings(scope, &mut text),
    }
    explain_addresses(policy, &mut text);
    match &policy.summaries {
        None => text.push_str("Summaries: none leaves.\n"),
        Some(lists) if lists.is_empty() => {
            text.push_str("Summaries: once an hour counts and losses leave, without any list.\n");
        }
        Some(lists) => line(
            &mut text,
            format_args!(
                "Summaries: once an hour counts and losses leave, with the {}; addresses in them follow the same rules.",
                listed(lists.iter().map(|list| list.said()), "and")
            ),
        ),
    }
    text.push_str(
        "Heartbeats: always leave. They say that the sensor is alive, its version, rules, policy and queue, and two \
         totals of packets.\n\
         Payload and packets: never leave. No setting allows it.\n\
         The centre cannot change this policy: only a file signed with the ISP's key is accepted.\n",
    );
    text
}

fn explain_findings(scope: &FindingScope, text: &mut String) {
    if scope.severities.is_empty() {
        text.push_str("Findings: none leaves, as no severity is allowed.\n");
        return;
    }
    let severities = scope.severities.iter().map(|severity| match severity {
        4 => "4 and lighter".to_owned(),
        number => number.to_string(),
    });
    line(
        text,
        format_args!(
            "Findings: those of severity {} leave; others stay here and are only counted.",
            listed(severities, "or")
        ),
    );
    text.push_str(
        "  Always: rule number, severity, how often, first and last time, IP protocol.\n",
    );
    if !scope.fields.is_empty() {
        let fields = scope.fields.iter().map(|field| field.said());
        line(text, format_args!("  Also: {}.", listed(fields, "and")));
    }
    if scope.facts.is_empty() {
        text.push_str("  Nothing of what applications said.\n");
    } else {
        let facts = scope.facts.iter().map(|kind| kind.name());
        line(
            text,
            format_args!(
                "  Of what applications said: {}. A value in which a withheld address is written stays here.",
                listed(facts, "and")
            ),
        );
    }
}

fn explain_addresses(policy: &Policy, text: &mut String) {
    let networks = listed(policy.home_networks.iter(), "and");
    match policy.home {
        AddressRule::Withhold => line(
            text,
            format_args!("Addresses inside {networks}: never leave, in any field."),
        ),
        AddressRule::Clear => line(
            text,
            format_args!(
                "WARNING: addresses inside {networks} leave IN CLEAR: this shows subscribers."
            ),
        ),
    }
    text.push_str(match policy.others {
        AddressRule::Withhold => "All other addresses: never leave.\n",
        AddressRule::Clear => "All other addresses: leave as they are.\n",
    });
}

fn line(text: &mut String, sentence: impl Display) {
    text.push_str(&format!("{sentence}\n"));
}

fn listed(items: impl Iterator<Item = impl Display>, joined_by: &str) -> String {
    let mut items = items.map(|item| item.to_string()).collect::<Vec<_>>();
    match items.pop() {
        None => "no network".to_owned(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} {joined_by} {last}", items.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{TEMPLATE, file};

    #[test]
    fn a_clear_home_network_is_warned_about() {
        let strict = explain(&file::parse(TEMPLATE).unwrap());
        assert!(strict.contains("10.0.0.0/8") && strict.contains("never leave, in any field"));
        assert!(!strict.contains("WARNING"));
        let open = TEMPLATE.replace("home = \"withhold\"", "home = \"clear\"");
        assert!(explain(&file::parse(&open).unwrap()).contains("WARNING"));
    }

    #[test]
    fn closed_doors_are_said() {
        let closed = TEMPLATE.replace("send = true", "send = false");
        let said = explain(&file::parse(&closed).unwrap());
        assert!(said.contains("Findings: none leaves") && said.contains("Summaries: none leaves"));
    }
}
