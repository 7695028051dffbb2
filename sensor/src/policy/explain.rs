//! A policy in plain words, for the person who signs it.

use jiff::Timestamp;

use super::{
    AddressRule, FindingScope, Mode, Networks, Policy, PseudonymMode, RuleScope, is_free_text,
    language::Language,
};

/// Says in sentences what leaves under a policy and what does not.
#[must_use]
pub fn explain(policy: &Policy, language: Language) -> String {
    let mut page = Page {
        language,
        text: String::new(),
    };
    page.line(language.say_with(
        "title",
        &[
            ("serial", &policy.serial),
            ("site", &policy.site),
            ("operator", &policy.operator),
        ],
    ));
    page.text.push('\n');
    if let Some(ends) = policy.valid_until_seconds {
        page.line(language.say_with("ends", &[("end", &time(ends))]));
    }
    page.mode(&policy.mode);
    page.findings(policy);
    page.rules(&policy.rules);
    page.addresses(policy);
    page.summaries(policy);
    page.limits(policy);
    for key in ["heartbeats", "payload", "centre"] {
        page.line(language.say(key));
    }
    page.text
}

/// A moment, for people.
pub(super) fn time(seconds: u64) -> String {
    let second = i64::try_from(seconds).ok();
    let time = second.and_then(|second| Timestamp::from_second(second).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}

struct Page {
    language: Language,
    text: String,
}

impl Page {
    fn line(&mut self, sentence: impl AsRef<str>) {
        self.text.push_str(sentence.as_ref());
        self.text.push('\n');
    }

    fn networks(&self, networks: &Networks) -> String {
        if networks.is_empty() {
            self.language.say("no-network").to_owned()
        } else {
            self.language.listed(networks.iter(), "and")
        }
    }

    fn mode(&mut self, mode: &Mode) {
        let language = self.language;
        match mode {
            Mode::Full => {}
            Mode::DnsOnly => self.line(language.say("mode-dns-only")),
            Mode::IndicatorsOnly => self.line(language.say("mode-indicators-only")),
            Mode::InfrastructureOnly(networks) => {
                let networks = self.networks(networks);
                self.line(
                    language.say_with("mode-infrastructure-only", &[("networks", &networks)]),
                );
            }
        }
    }

    fn findings(&mut self, policy: &Policy) {
        let language = self.language;
        match &policy.findings {
            None => self.line(language.say("findings-none")),
            Some(scope) if scope.severities.is_empty() => {
                self.line(language.say("findings-no-severity"));
            }
            Some(scope) => self.open_findings(policy, scope),
        }
    }

    fn open_findings(&mut self, policy: &Policy, scope: &FindingScope) {
        let language = self.language;
        let severities = scope.severities.iter().map(|severity| match severity {
            4 => language.say("severity-lightest").to_owned(),
            number => number.to_string(),
        });
        let severities = language.listed(severities, "or");
        self.line(language.say_with("findings", &[("severities", &severities)]));
        self.line(language.say("always"));
        if !scope.fields.is_empty() {
            let fields = scope.fields.iter();
            let fields = fields.map(|field| language.say(&format!("field-{}", field.word())));
            let fields = language.listed(fields, "and");
            self.line(language.say_with("also", &[("fields", &fields)]));
        }
        let facts = |kinds: Vec<_>| {
            language.listed(kinds.into_iter().map(lapwing_wire::FactKind::name), "and")
        };
        if scope.facts.is_empty() {
            self.line(language.say("facts-none"));
        } else {
            let all = facts(scope.facts.iter().copied().collect());
            self.line(language.say_with("facts", &[("facts", &all)]));
            let free: Vec<_> = scope
                .facts
                .iter()
                .copied()
                .filter(|kind| is_free_text(*kind))
                .collect();
            if !free.is_empty() {
                let free = facts(free);
                self.line(language.say_with("facts-free", &[("facts", &free)]));
            }
            let is_withheld = |rule| rule == AddressRule::Withhold;
            if matches!(policy.home, AddressRule::Pseudonym(_)) {
                self.line(language.say("facts-pseudonym"));
            }
            if is_withheld(policy.home) || is_withheld(policy.others) {
                self.line(language.say("facts-withheld"));
            }
        }
        if policy.is_strict {
            self.line(language.say("strict"));
        }
    }

    fn rules(&mut self, rules: &RuleScope) {
        let language = self.language;
        self.line(language.say("rules-home"));
        if !rules.may_name.is_empty() {
            let networks = self.networks(&rules.may_name);
            self.line(language.say_with("rules-may-name", &[("networks", &networks)]));
        }
        if let Some(origins) = &rules.origins {
            let origins = language.listed(origins, "and");
            self.line(language.say_with("rules-origins", &[("origins", &origins)]));
        }
        if let Some(groups) = &rules.groups {
            let groups = language.listed(groups, "and");
            self.line(language.say_with("rules-groups", &[("groups", &groups)]));
        }
        match &rules.indicator_lists {
            None => {}
            Some(lists) if lists.is_empty() => self.line(language.say("rules-no-lists")),
            Some(lists) => {
                let lists = language.listed(lists, "and");
                self.line(language.say_with("rules-lists", &[("lists", &lists)]));
            }
        }
    }

    fn addresses(&mut self, policy: &Policy) {
        let networks = self.networks(&policy.home_networks);
        let language = self.language;
        let values: &[(&str, &dyn std::fmt::Display)] = &[("networks", &networks)];
        self.line(match policy.home {
            AddressRule::Withhold => language.say_with("home-withhold", values),
            AddressRule::Pseudonym(PseudonymMode::KeepPrefixes) => {
                language.say_with("home-pseudonym", values)
            }
            AddressRule::Pseudonym(PseudonymMode::WithoutPrefixes) => {
                language.say_with("home-pseudonym-without-prefixes", values)
            }
            AddressRule::Clear => language.say_with("home-clear", values),
        });
        self.line(match policy.others {
            AddressRule::Clear => language.say("others-clear"),
            AddressRule::Withhold | AddressRule::Pseudonym(_) => language.say("others-withhold"),
        });
    }

    fn summaries(&mut self, policy: &Policy) {
        let language = self.language;
        match &policy.summaries {
            None => self.line(language.say("summaries-none")),
            Some(lists) if lists.is_empty() => self.line(language.say("summaries-plain")),
            Some(lists) => {
                let lists = lists
                    .iter()
                    .map(|list| language.say(&format!("list-{}", list.word())));
                let lists = language.listed(lists, "and");
                self.line(language.say_with("summaries", &[("lists", &lists)]));
            }
        }
    }

    fn limits(&mut self, policy: &Policy) {
        let language = self.language;
        if let Some(bytes) = policy.budget.day_bytes {
            self.line(language.say_with("budget-day", &[("bytes", &bytes)]));
        }
        if let Some(bytes) = policy.budget.month_bytes {
            self.line(language.say_with("budget-month", &[("bytes", &bytes)]));
        }
        if !policy.quiet_hours.is_empty() {
            let hours = language.listed(&policy.quiet_hours, "and");
            self.line(language.say_with("quiet", &[("hours", &hours)]));
        }
        if let Some(days) = policy.retention_days {
            self.line(language.say_with("retention", &[("days", &days)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{TEMPLATE, file};

    #[test]
    fn a_clear_home_network_is_warned_about_in_every_language() {
        for (language, warning) in [
            (Language::English, "WARNING"),
            (Language::French, "ATTENTION"),
            (Language::Spanish, "ATENCIÓN"),
        ] {
            let strict = explain(&file::parse(TEMPLATE).unwrap(), language);
            assert!(
                strict.contains("10.0.0.0/8") && !strict.contains(warning),
                "{strict}"
            );
            let open = TEMPLATE.replace("home = \"withhold\"", "home = \"clear\"");
            let open = explain(&file::parse(&open).unwrap(), language);
            assert!(open.contains(warning), "{open}");
            assert!(!open.contains('{'), "a value is missing: {open}");
        }
    }

    #[test]
    fn closed_doors_are_said() {
        let closed = TEMPLATE.replace("send = true", "send = false");
        let said = explain(&file::parse(&closed).unwrap(), Language::English);
        assert!(said.contains("Findings: none leaves") && said.contains("Summaries: none leaves"));
    }
}
