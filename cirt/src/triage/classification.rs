//! The Reference Security Incident Taxonomy (RSIT), as national statistics count by it.

use crate::exchange::classification::classify;

/// The types that a network sensor can lead to, `classification:type`.
pub const CLASSES: [&str; 27] = [
    "malicious-code:infected-system",
    "malicious-code:c2-server",
    "malicious-code:malware-distribution",
    "malicious-code:malware-configuration",
    "information-gathering:scanner",
    "information-gathering:sniffing",
    "information-gathering:social-engineering",
    "intrusion-attempts:ids-alert",
    "intrusion-attempts:brute-force",
    "intrusion-attempts:exploit",
    "intrusions:privileged-account-compromise",
    "intrusions:unprivileged-account-compromise",
    "intrusions:application-compromise",
    "intrusions:system-compromise",
    "availability:dos",
    "availability:ddos",
    "availability:misconfiguration",
    "information-content-security:data-leak",
    "fraud:phishing",
    "fraud:unauthorized-use-of-resources",
    "abusive-content:spam",
    "vulnerable:ddos-amplifier",
    "vulnerable:potentially-unwanted-accessible",
    "vulnerable:information-disclosure",
    "vulnerable:vulnerable-system",
    "other:undetermined",
    "test:test",
];

/// Whether a class is one of [`CLASSES`].
#[must_use]
pub fn class_is_known(class: &str) -> bool {
    CLASSES.contains(&class)
}

/// What a rule's class type usually means, by the same table as partners are told.
#[must_use]
pub fn suggested_class(class_type: Option<&str>) -> String {
    let usual = classify(class_type);
    format!("{}:{}", usual.class, usual.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::classification::all;

    #[test]
    fn what_partners_are_told_is_of_the_taxonomy() {
        for usual in all() {
            let class = format!("{}:{}", usual.class, usual.kind);
            assert!(class_is_known(&class), "{class}");
        }
        assert!(class_is_known(&suggested_class(Some("no-such"))));
        assert!(!class_is_known("malicious-code:"));
    }
}
