//! `exchange.toml` in the data folder: what the centre says of itself to others. Without the file nothing is published by itself.
//!
//! ```toml
//! organisation = "CIRT of Examplia"
//! country = "EX"
//! contact = "cirt@cirt.example"
//! own_networks = ["192.0.2.0/24", "2001:db8::/32"]
//! finding_tlp = "amber"
//! publish = "high,medium"          # severities that go into the TAXII collections by themselves; none without it
//!
//! [mail]
//! host = "mail.cirt.example"
//! port = 587
//! tls = "starttls"                 # or "at-once"
//! user = "cirt"
//! password_file = "keys/mail.password"
//! ```

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use super::forward::SyslogServer;
use super::limits::{OWN_NETWORKS, SETTING_CHARS};
use super::notify::MailServer;
use super::{Country, Tlp};
use crate::query::{SeverityClass, SeveritySet};
use crate::settings::DataFolder;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeSettingsError {
    #[error("{0}: write what the centre says of itself to others first, see docs/exchange.md")]
    Missing(PathBuf),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{0} is not valid TOML")]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    #[error("{path}: {mistakes}")]
    Invalid { path: PathBuf, mistakes: String },
}

/// The checked settings.
#[derive(Clone, Debug)]
pub struct ExchangeSettings {
    /// What the organisation is called.
    pub organisation: String,
    pub country: Country,
    /// A mail address.
    pub contact: String,
    /// The networks of the country: an address in none of them is the outside end of a finding.
    pub own_networks: Vec<IpNet>,
    /// The label of a finding that nobody has marked.
    pub finding_tlp: Tlp,
    /// The label of statistics: a count may travel further than what it counts.
    pub statistics_tlp: Tlp,
    /// Severities that are published by themselves.
    publish: Option<SeveritySet>,
    /// The mail server, where there is one.
    pub mail: Option<MailServer>,
    /// Servers of syslog that new findings go on to.
    pub syslog: Vec<SyslogServer>,
    /// The folder of our own keys of OpenPGP.
    pub openpgp_home: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    organisation: String,
    country: String,
    contact: String,
    #[serde(default)]
    own_networks: Vec<String>,
    finding_tlp: Option<String>,
    statistics_tlp: Option<String>,
    publish: Option<String>,
    mail: Option<MailTable>,
    #[serde(default)]
    syslog: Vec<SyslogTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SyslogTable {
    peer: String,
    server: String,
    authority: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MailTable {
    host: String,
    port: u16,
    tls: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    authority: Option<PathBuf>,
    #[serde(default)]
    by_itself: bool,
}

impl ExchangeSettings {
    /// Where they are.
    #[must_use]
    pub fn path(folder: &DataFolder) -> PathBuf {
        folder.root().join("exchange.toml")
    }

    /// Reads and checks them.
    ///
    /// # Errors
    /// When there are none, or they are unusable; every mistake is named in one line.
    pub fn load(folder: &DataFolder) -> Result<Self, ExchangeSettingsError> {
        let path = Self::path(folder);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ExchangeSettingsError::Missing(path));
            }
            Err(error) => return Err(ExchangeSettingsError::Read(path, error)),
        };
        Self::parse(&path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ExchangeSettingsError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ExchangeSettingsError::Syntax(path.to_owned(), Box::new(error)))?;
        file.check(path.parent().unwrap_or_else(|| Path::new("")))
            .map_err(|mistakes| ExchangeSettingsError::Invalid {
                path: path.to_owned(),
                mistakes: mistakes.join("; "),
            })
    }

    /// Whether findings of this severity are published by themselves.
    #[must_use]
    pub fn publishes(&self, severity: SeverityClass) -> bool {
        self.publish
            .as_ref()
            .is_some_and(|set| set.classes().contains(&severity))
    }

    /// The label of a finding, given what people marked it as.
    #[must_use]
    pub fn label(&self, marking: Option<Tlp>) -> Tlp {
        marking.unwrap_or(self.finding_tlp)
    }

    /// Whether an address belongs to the country.
    #[must_use]
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.own_networks
            .iter()
            .any(|network| network.contains(&address))
    }
}

impl File {
    fn check(self, folder: &Path) -> Result<ExchangeSettings, Vec<String>> {
        let mut mistakes = Vec::new();
        for (key, text) in [
            ("organisation", &self.organisation),
            ("contact", &self.contact),
        ] {
            let characters = text.chars().count();
            if !(1..=SETTING_CHARS).contains(&characters) || text.chars().any(char::is_control) {
                mistakes.push(format!(
                    "{key}: say 1 to {SETTING_CHARS} characters in one line"
                ));
            }
        }
        if !self.contact.contains('@') {
            mistakes.push("contact: that is no mail address".to_owned());
        }
        if self.own_networks.len() > OWN_NETWORKS {
            mistakes.push(format!("own_networks: more than {OWN_NETWORKS}"));
        }
        let mut own_networks = Vec::new();
        for text in self.own_networks.iter().take(OWN_NETWORKS) {
            match text.parse::<IpNet>() {
                Ok(network) => own_networks.push(network.trunc()),
                Err(_) => mistakes.push(format!(
                    "own_networks: {text:?} is no network, as 192.0.2.0/24"
                )),
            }
        }
        let country = self.country.parse::<Country>();
        let label = |text: &Option<String>| text.as_deref().unwrap_or("amber").parse::<Tlp>();
        let tlp = label(&self.finding_tlp);
        let statistics_tlp = label(&self.statistics_tlp);
        let publish = self
            .publish
            .as_deref()
            .map(str::parse::<SeveritySet>)
            .transpose();
        let publish = publish
            .map_err(|error| mistakes.push(format!("publish: {error}")))
            .ok()
            .flatten();
        let mail = self.mail.and_then(|table| {
            table
                .check(folder)
                .map_err(|error| mistakes.push(error))
                .ok()
        });
        let mut syslog = Vec::new();
        for table in self.syslog {
            match table.check(folder) {
                Ok(server) => syslog.push(server),
                Err(error) => mistakes.push(error),
            }
        }
        match (country, tlp, statistics_tlp) {
            (Ok(country), Ok(finding_tlp), Ok(statistics_tlp)) if mistakes.is_empty() => {
                Ok(ExchangeSettings {
                    organisation: self.organisation,
                    country,
                    contact: self.contact,
                    own_networks,
                    finding_tlp,
                    statistics_tlp,
                    publish,
                    mail,
                    syslog,
                    openpgp_home: folder.join("keys/openpgp"),
                })
            }
            (country, tlp, statistics_tlp) => {
                mistakes.extend(country.err().map(|error| format!("country: {error}")));
                mistakes.extend(tlp.err().map(|error| format!("finding_tlp: {error}")));
                mistakes.extend(
                    statistics_tlp
                        .err()
                        .map(|error| format!("statistics_tlp: {error}")),
                );
                Err(mistakes)
            }
        }
    }
}

impl SyslogTable {
    /// Paths are as seen from the data folder.
    fn check(self, folder: &Path) -> Result<SyslogServer, String> {
        let wrong = || {
            format!(
                "syslog.server: {:?}: say name and port, as siem.example:6514",
                self.server
            )
        };
        let (host, port) = self.server.rsplit_once(':').ok_or_else(wrong)?;
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((folder.join(certificate), folder.join(key))),
            (None, None) => None,
            _ => return Err("syslog: certificate and key belong together".to_owned()),
        };
        Ok(SyslogServer {
            peer: self.peer,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: port.parse().map_err(|_| wrong())?,
            authority: self.authority.map(|path| folder.join(path)),
            identity,
        })
    }
}

impl MailTable {
    /// Paths are as seen from the data folder.
    fn check(self, folder: &Path) -> Result<MailServer, String> {
        let tls_at_once = match self.tls.as_str() {
            "starttls" => false,
            "at-once" => true,
            other => {
                return Err(format!(
                    "mail.tls: {other:?} is neither starttls nor at-once; mail never leaves in clear"
                ));
            }
        };
        let login = match (self.user, self.password_file) {
            (Some(user), Some(file)) => Some((user, folder.join(file))),
            (None, None) => None,
            _ => return Err("mail: user and password_file belong together".to_owned()),
        };
        let authority = self.authority.map(|path| folder.join(path));
        Ok(MailServer {
            host: self.host,
            port: self.port,
            tls_at_once,
            login,
            authority,
            by_itself: self.by_itself,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told() {
        let text = "organisation = \"\"\ncountry = \"Examplia\"\ncontact = \"nobody\"\nown_networks = [\"here\"]\n\
                    finding_tlp = \"loud\"\n";
        let message = ExchangeSettings::parse(Path::new("exchange.toml"), text)
            .unwrap_err()
            .to_string();
        for part in [
            "organisation: ",
            "country: ",
            "contact: ",
            "own_networks: ",
            "finding_tlp: ",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn our_networks_are_known() {
        let text = "organisation = \"CIRT\"\ncountry = \"ex\"\ncontact = \"a@b.example\"\nown_networks = [\"192.0.2.0/24\"]\n";
        let settings = ExchangeSettings::parse(Path::new("exchange.toml"), text).unwrap();
        assert!(settings.is_own("192.0.2.200".parse().unwrap()));
        assert!(!settings.is_own("198.51.100.1".parse().unwrap()));
        assert_eq!(
            (settings.country.as_str(), settings.finding_tlp),
            ("EX", Tlp::Amber)
        );
    }
}
