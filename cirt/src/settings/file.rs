//! `settings.toml`: read as written, then checked as a whole so that all mistakes are told together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lapwing_lake::{LakeError, Place};
use serde::{Deserialize, Serialize};

use super::data_folder::write_private;
use super::{DataFolder, Name};
use crate::limits::{KEEP_DAYS_MAX, KEEP_DAYS_MIN, RENEW_EXPIRED_DAYS};
use crate::store::{Location, Server};

/// The settings the centre runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the centre calls itself on its pages and in its certificates.
    pub name: Name,
    /// Where sensors connect.
    pub listen: SocketAddr,
    /// Where people connect.
    pub web_listen: SocketAddr,
    /// `host:port` that is written into vouchers, when it differs from `listen`.
    pub public_address: Option<String>,
    /// Days for which a sensor whose certificate has expired may still renew it.
    pub renew_expired_days: u32,
    /// Where the table of findings lies when not beside the database: `s3://bucket/prefix`, or a folder that all
    /// processes reach.
    pub findings: Option<String>,
    /// Days for which findings are kept; for ever without it. Sums are kept longer.
    pub keep_findings_days: Option<u32>,
    /// The server of the database, when it is not a file in the data folder.
    pub store: Option<Server>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{0}: no centre here; make one with `lapwing-cirt init --data {1}`")]
    Missing(PathBuf, PathBuf),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    #[error("{0} is not valid TOML")]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    #[error("{path}: {mistakes}")]
    Invalid { path: PathBuf, mistakes: String },
    #[error("cannot express the settings as TOML")]
    Express(#[source] toml::ser::Error),
}

/// The file as written by a person. Unknown keys are mistakes: a misspelt limit must not pass unseen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    name: String,
    listen: String,
    web_listen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_expired_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_findings_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_authority: Option<PathBuf>,
}

/// What `findings` says.
fn findings_place(text: &str) -> Result<Place, LakeError> {
    if text.starts_with('/') {
        Place::folder(Path::new(text))
    } else {
        Place::bucket(text)
    }
}

impl Settings {
    /// Where the database is.
    #[must_use]
    pub fn database(&self, folder: &DataFolder) -> Location {
        match &self.store {
            Some(server) => Location::Server(server.clone()),
            None => Location::File(folder.database()),
        }
    }

    /// Where the table of findings is.
    ///
    /// # Errors
    /// When the folder cannot be made or the store of objects cannot be used.
    pub fn findings_place(&self, folder: &DataFolder) -> Result<Place, LakeError> {
        match &self.findings {
            Some(text) => findings_place(text),
            None => Place::folder(&folder.database().with_extension("lake")),
        }
    }

    /// Reads and checks the settings of a data folder.
    ///
    /// # Errors
    /// When there is no centre, or its settings are unusable; every mistake is named in one line.
    pub fn load(folder: &DataFolder) -> Result<Self, SettingsError> {
        let path = folder.settings();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SettingsError::Missing(
                    folder.root().to_owned(),
                    folder.root().to_owned(),
                ));
            }
            Err(error) => return Err(SettingsError::Read(path, error)),
        };
        let file: SettingsFile = toml::from_str(&text)
            .map_err(|error| SettingsError::Syntax(path.clone(), Box::new(error)))?;
        file.validate().map_err(|mistakes| SettingsError::Invalid {
            path,
            mistakes: mistakes.join("; "),
        })
    }

    /// Writes the settings, replacing what is there.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn save(&self, folder: &DataFolder) -> Result<(), SettingsError> {
        let file = SettingsFile {
            name: self.name.to_string(),
            listen: self.listen.to_string(),
            web_listen: self.web_listen.to_string(),
            public_address: self.public_address.clone(),
            renew_expired_days: Some(self.renew_expired_days)
                .filter(|days| *days != RENEW_EXPIRED_DAYS),
            findings: self.findings.clone(),
            keep_findings_days: self.keep_findings_days,
            store: self.store.as_ref().map(|server| server.url().to_owned()),
            store_authority: self
                .store
                .as_ref()
                .and_then(Server::authority)
                .map(Path::to_owned),
        };
        let text = toml::to_string(&file).map_err(SettingsError::Express)?;
        let path = folder.settings();
        write_private(&path, text.as_bytes()).map_err(|error| SettingsError::Write(path, error))
    }
}

impl SettingsFile {
    fn validate(self) -> Result<Settings, Vec<String>> {
        let mut mistakes = Vec::new();
        let name = self
            .name
            .parse::<Name>()
            .map_err(|error| mistakes.push(format!("name: {error}")))
            .ok();
        let mut address = |key: &str, text: &str| {
            text.parse::<SocketAddr>()
                .map_err(|_| {
                    mistakes.push(format!(
                        "{key}: {text:?} is not an address and port such as 0.0.0.0:4460"
                    ))
                })
                .ok()
        };
        let listen = address("listen", &self.listen);
        let web_listen = address("web_listen", &self.web_listen);
        if let Some(url) = &self.findings
            && let Err(error) = findings_place(url)
        {
            mistakes.push(format!("findings: {error}"));
        }
        if let Some(days) = self.keep_findings_days
            && !(KEEP_DAYS_MIN..=KEEP_DAYS_MAX).contains(&days)
        {
            mistakes.push(format!(
                "keep_findings_days: say {KEEP_DAYS_MIN} to {KEEP_DAYS_MAX}, or leave it out to keep findings for ever"
            ));
        }
        let store = self.store.as_deref().map(str::parse::<Server>).transpose();
        let store = store.unwrap_or_else(|error| {
            mistakes.push(format!("store: {error}"));
            None
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        match (name, listen, web_listen) {
            (Some(name), Some(listen), Some(web_listen)) => Ok(Settings {
                name,
                listen,
                web_listen,
                public_address: self.public_address,
                renew_expired_days: self.renew_expired_days.unwrap_or(RENEW_EXPIRED_DAYS),
                findings: self.findings,
                keep_findings_days: self.keep_findings_days,
                store: store.map(|server| server.vouched_for_by(self.store_authority)),
            }),
            _ => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_together() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(temporary.path());
        folder.create().unwrap();
        std::fs::write(
            folder.settings(),
            "name = \"a b\"\nlisten = \"here\"\nweb_listen = \"127.0.0.1:1\"\n",
        )
        .unwrap();
        let message = Settings::load(&folder).unwrap_err().to_string();
        assert!(
            message.contains("name: ") && message.contains("listen: \"here\""),
            "{message}"
        );
        assert!(!message.contains('\n'));
    }

    #[test]
    fn settings_survive_a_round_trip() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(temporary.path());
        folder.create().unwrap();
        let settings = Settings {
            name: "national".parse().unwrap(),
            listen: "0.0.0.0:4460".parse().unwrap(),
            web_listen: "[::]:8443".parse().unwrap(),
            public_address: Some("cirt.example:4460".to_owned()),
            renew_expired_days: 90,
            findings: Some("s3://cirt/findings".to_owned()),
            keep_findings_days: Some(180),
            store: Some(
                "postgresql://cirt:secret@db.example/cirt"
                    .parse::<Server>()
                    .unwrap()
                    .vouched_for_by(Some("/etc/authority.pem".into())),
            ),
        };
        settings.save(&folder).unwrap();
        let read = Settings::load(&folder).unwrap();
        assert_eq!(format!("{settings:?}"), format!("{read:?}"));
    }
}
