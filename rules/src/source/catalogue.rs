//! Class types and reference systems: a built-in table of the well-known ones, which files can replace.

use std::collections::BTreeMap;

/// What is known of a class type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassType {
    /// `category` in EVE.
    pub description: String,
    /// 1 the most severe.
    pub severity: u8,
}

/// Class types and reference systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    classes: BTreeMap<String, ClassType>,
    references: BTreeMap<String, String>,
}

/// What a configuration file says wrongly.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct CatalogueError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// Name, priority and description of the class types that public rule sets use.
const CLASSES: &[(&str, u8, &str)] = &[
    ("not-suspicious", 3, "Not Suspicious Traffic"),
    ("unknown", 3, "Unknown Traffic"),
    ("bad-unknown", 2, "Potentially Bad Traffic"),
    ("attempted-recon", 2, "Attempted Information Leak"),
    ("successful-recon-limited", 2, "Information Leak"),
    (
        "successful-recon-largescale",
        2,
        "Large Scale Information Leak",
    ),
    ("attempted-dos", 2, "Attempted Denial of Service"),
    ("successful-dos", 2, "Denial of Service"),
    ("attempted-user", 1, "Attempted User Privilege Gain"),
    ("unsuccessful-user", 1, "Unsuccessful User Privilege Gain"),
    ("successful-user", 1, "Successful User Privilege Gain"),
    (
        "attempted-admin",
        1,
        "Attempted Administrator Privilege Gain",
    ),
    (
        "successful-admin",
        1,
        "Successful Administrator Privilege Gain",
    ),
    ("rpc-portmap-decode", 2, "Decode of an RPC Query"),
    ("shellcode-detect", 1, "Executable code was detected"),
    ("string-detect", 3, "A suspicious string was detected"),
    (
        "suspicious-filename-detect",
        2,
        "A suspicious filename was detected",
    ),
    (
        "suspicious-login",
        2,
        "An attempted login using a suspicious username was detected",
    ),
    ("system-call-detect", 2, "A system call was detected"),
    ("tcp-connection", 4, "A TCP connection was detected"),
    ("trojan-activity", 1, "A Network Trojan was detected"),
    (
        "unusual-client-port-connection",
        2,
        "A client was using an unusual port",
    ),
    ("network-scan", 3, "Detection of a Network Scan"),
    (
        "denial-of-service",
        2,
        "Detection of a Denial of Service Attack",
    ),
    (
        "non-standard-protocol",
        2,
        "Detection of a non-standard protocol or event",
    ),
    (
        "protocol-command-decode",
        3,
        "Generic Protocol Command Decode",
    ),
    (
        "web-application-activity",
        2,
        "access to a potentially vulnerable web application",
    ),
    ("web-application-attack", 1, "Web Application Attack"),
    ("misc-activity", 3, "Misc activity"),
    ("misc-attack", 2, "Misc Attack"),
    ("icmp-event", 3, "Generic ICMP event"),
    (
        "inappropriate-content",
        1,
        "Inappropriate Content was Detected",
    ),
    (
        "policy-violation",
        1,
        "Potential Corporate Privacy Violation",
    ),
    (
        "default-login-attempt",
        2,
        "Attempt to login by a default username and password",
    ),
    (
        "targeted-activity",
        1,
        "Targeted Malicious Activity was Detected",
    ),
    ("exploit-kit", 1, "Exploit Kit Activity Detected"),
    (
        "external-ip-check",
        2,
        "Device Retrieving External IP Address Detected",
    ),
    ("domain-c2", 1, "Domain Observed Used for C2 Detected"),
    ("pup-activity", 2, "Possibly Unwanted Program Detected"),
    (
        "credential-theft",
        1,
        "Successful Credential Theft Detected",
    ),
    (
        "social-engineering",
        2,
        "Possible Social Engineering Attempted",
    ),
    ("coin-mining", 2, "Crypto Currency Mining Activity Detected"),
    (
        "command-and-control",
        1,
        "Malware Command and Control Activity Detected",
    ),
];

/// Reference systems and the beginnings of their addresses.
const REFERENCES: &[(&str, &str)] = &[
    ("bugtraq", "http://www.securityfocus.com/bid/"),
    ("bid", "http://www.securityfocus.com/bid/"),
    ("cve", "https://cve.mitre.org/cgi-bin/cvename.cgi?name="),
    ("secunia", "http://www.secunia.com/advisories/"),
    ("arachnids", "http://www.whitehats.com/info/IDS"),
    ("mcafee", "http://vil.nai.com/vil/content/v_"),
    ("nessus", "http://cgi.nessus.org/plugins/dump.php3?id="),
    ("url", "http://"),
    ("et", "http://doc.emergingthreats.net/"),
    ("etpro", "http://doc.emergingthreatspro.com/"),
    ("telus", "http://"),
    ("osvdb", "http://osvdb.org/show/osvdb/"),
    (
        "threatexpert",
        "http://www.threatexpert.com/report.aspx?md5=",
    ),
    ("md5", "http://www.threatexpert.com/report.aspx?md5="),
    ("exploitdb", "http://www.exploit-db.com/exploits/"),
    ("openpacket", "https://www.openpacket.org/capture/grab/"),
    ("securitytracker", "http://securitytracker.com/id?"),
    ("xforce", "http://xforce.iss.net/xforce/xfdb/"),
    ("msft", "http://technet.microsoft.com/security/bulletin/"),
];

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            classes: CLASSES
                .iter()
                .map(|(name, severity, description)| {
                    let class = ClassType {
                        description: (*description).to_owned(),
                        severity: *severity,
                    };
                    ((*name).to_owned(), class)
                })
                .collect(),
            references: REFERENCES
                .iter()
                .map(|(system, prefix)| ((*system).to_owned(), (*prefix).to_owned()))
                .collect(),
        }
    }
}

/// Lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

impl Catalogue {
    /// A class type by name; names are compared without regard to case.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&ClassType> {
        self.classes.get(&name.to_lowercase())
    }

    /// The beginning of a reference system's addresses.
    #[must_use]
    pub fn reference_prefix(&self, system: &str) -> Option<&str> {
        self.references.get(system).map(String::as_str)
    }

    /// Replaces the class types by those of a `classification.config`: `config classification: name,description,priority`.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn read_classification(&mut self, text: &str) -> Result<(), CatalogueError> {
        let mut classes = BTreeMap::new();
        for (line, content) in lines(text) {
            let parsed = content
                .strip_prefix("config classification:")
                .and_then(|rest| {
                    let (name, rest) = rest.split_once(',')?;
                    let (description, priority) = rest.rsplit_once(',')?;
                    let class = ClassType {
                        description: description.trim().to_owned(),
                        severity: priority.trim().parse().ok()?,
                    };
                    Some((name.trim().to_lowercase(), class))
                });
            let (name, class) = parsed.ok_or_else(|| CatalogueError {
                line,
                problem: "a class type is `config classification: name,description,priority`"
                    .to_owned(),
            })?;
            classes.entry(name).or_insert(class);
        }
        self.classes = classes;
        Ok(())
    }

    /// Replaces the reference systems by those of a `reference.config`: `config reference: system address`.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn read_references(&mut self, text: &str) -> Result<(), CatalogueError> {
        let mut references = BTreeMap::new();
        for (line, content) in lines(text) {
            let parsed = content
                .strip_prefix("config reference:")
                .and_then(|rest| rest.trim().split_once(char::is_whitespace));
            let (system, prefix) = parsed.ok_or_else(|| CatalogueError {
                line,
                problem: "a reference system is `config reference: system address`".to_owned(),
            })?;
            references.insert(system.to_lowercase(), prefix.trim().to_owned());
        }
        self.references = references;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_replace_the_built_in_tables() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.class("Trojan-Activity").unwrap().severity, 1);
        catalogue
            .read_classification("# x\nconfig classification: odd-thing,Odd, very odd,7\n")
            .unwrap();
        let class = catalogue.class("odd-thing").unwrap();
        assert_eq!(
            (class.description.as_str(), class.severity),
            ("Odd, very odd", 7)
        );
        assert!(catalogue.class("trojan-activity").is_none());
        catalogue
            .read_references("config reference: wiki  https://wiki/\n")
            .unwrap();
        assert_eq!(catalogue.reference_prefix("wiki"), Some("https://wiki/"));
        let error = catalogue.read_references("\nfoo").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
