//! What a finding is, in the words of the standards: one table from the class types of rules.
//!
//! RSIT is the Reference Security Incident Taxonomy (eCSIRT.net mkVI); IDEA categories are those of its mkII; XARF names a category and
//! a type of its specification 4.2.0.

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classification {
    /// RSIT class, as `malicious-code`.
    pub class: &'static str,
    /// RSIT type, as `infected-system`.
    pub kind: &'static str,
    /// Category of IDEA.
    pub idea: &'static str,
    /// Category and type of XARF.
    pub xarf: (&'static str, &'static str),
    /// Name and UUID of its cluster in MISP's galaxy `rsit`.
    pub galaxy: (&'static str, &'static str),
}

const fn line(
    class: &'static str,
    kind: &'static str,
    idea: &'static str,
    xarf: (&'static str, &'static str),
    galaxy: (&'static str, &'static str),
) -> Classification {
    Classification {
        class,
        kind,
        idea,
        xarf,
        galaxy,
    }
}

const INFECTED: Classification = line(
    "malicious-code",
    "infected-system",
    "Intrusion.Botnet",
    ("infrastructure", "botnet"),
    (
        "Malicious Code:Infected System",
        "e841c237-e39c-4804-a780-f6fc4a2e6371",
    ),
);
const COMMAND: Classification = line(
    "malicious-code",
    "c2-server",
    "Intrusion.Botnet",
    ("infrastructure", "botnet"),
    (
        "Malicious Code:C2 Server",
        "9c1bbe1b-8f51-4edc-8974-eb049617d6d1",
    ),
);
const SCAN: Classification = line(
    "information-gathering",
    "scanner",
    "Recon.Scanning",
    ("connection", "port_scan"),
    (
        "Information Gathering:Scanning",
        "1f09c97b-fee4-4376-b525-809bb61de579",
    ),
);
const LOGIN: Classification = line(
    "intrusion-attempts",
    "brute-force",
    "Attempt.Login",
    ("connection", "login_attack"),
    (
        "Intrusion Attempts:Login attempts",
        "f4b8f7d6-bccb-49ef-b478-66a77e2c2238",
    ),
);
const EXPLOIT: Classification = line(
    "intrusion-attempts",
    "exploit",
    "Attempt.Exploit",
    ("connection", "vulnerability_scan"),
    (
        "Intrusion Attempts:Exploitation of known Vulnerabilities",
        "b0e536ba-dce3-430d-a7f6-bcf99ca6de44",
    ),
);
const TAKEN: Classification = line(
    "intrusions",
    "system-compromise",
    "Intrusion.AdminCompromise",
    ("infrastructure", "compromised_server"),
    (
        "Intrusions:System Compromise",
        "995f7028-9b13-4519-80f1-1b22f36aefb4",
    ),
);
const FLOOD: Classification = line(
    "availability",
    "ddos",
    "Availability.DDoS",
    ("connection", "ddos"),
    (
        "Availability:Distributed Denial of Service",
        "ff14d9d0-c952-4995-9871-5aea332002c9",
    ),
);
const PHISHING: Classification = line(
    "fraud",
    "phishing",
    "Fraud.Phishing",
    ("content", "phishing"),
    ("Fraud:Phishing", "9c16409a-2029-470e-8579-77d953b2c6d3"),
);
const LEAK: Classification = line(
    "information-content-security",
    "data-leak",
    "Information.UnauthorizedAccess",
    ("connection", "vulnerability_scan"),
    (
        "Information Content Security:Leak of confidential information",
        "a49fcb43-c94e-4a13-b39e-ed34bfbe2633",
    ),
);
const AMPLIFIER: Classification = line(
    "vulnerable",
    "ddos-amplifier",
    "Vulnerable.Config",
    ("vulnerability", "open_service"),
    (
        "Vulnerable:DDoS amplifier",
        "41ee48e3-92e0-4f0c-b2f0-461325e149bc",
    ),
);
const OPEN: Classification = line(
    "vulnerable",
    "potentially-unwanted-accessible",
    "Vulnerable.Open",
    ("vulnerability", "open_service"),
    (
        "Vulnerable:Potentially unwanted accessible services",
        "a2dbfb66-dc27-41e0-976f-4888dcab0cb3",
    ),
);
const TALKATIVE: Classification = line(
    "vulnerable",
    "information-disclosure",
    "Vulnerable.Open",
    ("vulnerability", "open_service"),
    (
        "Vulnerable:Information disclosure",
        "609449a3-5951-42b4-a4cd-196e09a3120f",
    ),
);
const OTHER: Classification = line(
    "other",
    "undetermined",
    "Other",
    ("reputation", "threat_intelligence"),
    ("Other:Undetermined", "6bdbec29-d198-4031-a15e-33e8973c5f05"),
);

/// Class types of rules, as in `classification.config` and in the starter rules.
const TABLE: &[(&str, Classification)] = &[
    ("trojan-activity", INFECTED),
    ("malware-cnc", INFECTED),
    ("command-and-control", INFECTED),
    ("domain-c2", COMMAND),
    ("coin-mining", INFECTED),
    ("pup-activity", INFECTED),
    ("targeted-activity", INFECTED),
    ("external-ip-check", INFECTED),
    ("attempted-recon", SCAN),
    ("successful-recon-limited", SCAN),
    ("successful-recon-largescale", SCAN),
    ("network-scan", SCAN),
    ("rpc-portmap-decode", SCAN),
    ("suspicious-login", LOGIN),
    ("default-login-attempt", LOGIN),
    ("unsuccessful-user", LOGIN),
    ("credential-theft", PHISHING),
    ("social-engineering", PHISHING),
    ("web-application-attack", EXPLOIT),
    ("web-application-activity", EXPLOIT),
    ("attempted-admin", EXPLOIT),
    ("attempted-user", EXPLOIT),
    ("exploit-kit", EXPLOIT),
    ("shellcode-detect", EXPLOIT),
    ("successful-admin", TAKEN),
    ("successful-user", TAKEN),
    ("attempted-dos", FLOOD),
    ("successful-dos", FLOOD),
    ("denial-of-service", FLOOD),
    ("sdf", LEAK),
    // Of reports of others, see `shadowserver`.
    ("open-amplifier", AMPLIFIER),
    ("open-service", OPEN),
    ("open-information", TALKATIVE),
];

/// The line of a class type.
#[must_use]
pub fn classify(class_type: Option<&str>) -> Classification {
    class_type
        .and_then(|wanted| TABLE.iter().find(|(name, _)| *name == wanted))
        .map_or(OTHER, |(_, classification)| *classification)
}

/// What an indicator's finding is: somebody met what others warn of.
#[must_use]
pub const fn of_indicator() -> Classification {
    INFECTED
}

/// Every different line, for tests against the standards' own lists.
#[must_use]
pub fn all() -> Vec<Classification> {
    let mut lines: Vec<Classification> = vec![OTHER];
    for (_, classification) in TABLE {
        if !lines.contains(classification) {
            lines.push(*classification);
        }
    }
    lines
}
