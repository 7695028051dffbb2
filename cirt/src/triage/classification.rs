//! The Reference Security Incident Taxonomy (RSIT), as national statistics count by it.

/// The types that a network sensor can lead to, `classification:type`.
pub const CLASSES: [&str; 26] = [
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
    "vulnerable:vulnerable-system",
    "other:undetermined",
    "test:test",
];

/// Whether a class is one of [`CLASSES`].
#[must_use]
pub fn class_is_known(class: &str) -> bool {
    CLASSES.contains(&class)
}

/// What a rule's class type usually means.
#[must_use]
pub fn suggested_class(class_type: Option<&str>) -> &'static str {
    match class_type.unwrap_or_default() {
        "trojan-activity"
        | "command-and-control"
        | "domain-c2"
        | "coin-mining"
        | "targeted-activity" => "malicious-code:infected-system",
        "exploit-kit" | "external-ip-check" => "malicious-code:malware-distribution",
        "attempted-recon"
        | "network-scan"
        | "successful-recon-limited"
        | "successful-recon-largescale" => "information-gathering:scanner",
        "attempted-user" | "attempted-admin" | "web-application-attack" | "shellcode-detect" => {
            "intrusion-attempts:exploit"
        }
        "unsuccessful-user" | "suspicious-login" | "default-login-attempt" => {
            "intrusion-attempts:brute-force"
        }
        "successful-user" | "successful-admin" => "intrusions:system-compromise",
        "attempted-dos" | "successful-dos" | "denial-of-service" => "availability:dos",
        "social-engineering" | "credential-theft" => "fraud:phishing",
        "policy-violation" | "pup-activity" => "fraud:unauthorized-use-of-resources",
        _ => "other:undetermined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_of_the_taxonomy() {
        for class_type in [
            "trojan-activity",
            "attempted-recon",
            "default-login-attempt",
            "no-such",
            "",
        ] {
            assert!(
                class_is_known(suggested_class(Some(class_type))),
                "{class_type}"
            );
        }
        assert!(!class_is_known("malicious-code:"));
    }
}
