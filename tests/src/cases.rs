//! The cases under `tests/cases`: traffic, rules, and the alerts that must come of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::programs::workspace_root;
use crate::traffic::capture_file;
use crate::traffic::scenario_file::Scenario;

/// One folder.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the folder.
    pub name: String,
    folder: PathBuf,
}

/// A kind of alert, and the fields that make it one: rule, ends and protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertKey {
    /// The rule.
    pub signature_id: u32,
    /// Where the packet came from.
    pub src_ip: String,
    /// 0 where the protocol has no ports.
    pub src_port: u16,
    /// Where it went.
    pub dest_ip: String,
    /// 0 where the protocol has no ports.
    pub dest_port: u16,
    /// As EVE spells it: `TCP`, `UDP`, `ICMP`, `IPv6-ICMP`.
    pub proto: String,
}

/// How often each kind of alert came.
pub type Alerts = BTreeMap<AlertKey, u32>;

/// A line of `expected.jsonl`.
#[derive(Serialize, Deserialize)]
struct ExpectedLine {
    #[serde(flatten)]
    key: AlertKey,
    count: u32,
}

/// The parts of an EVE line that matter here.
#[derive(Deserialize)]
struct EveLine {
    event_type: String,
    /// Ends and protocol are missing where a packet has no IP layer.
    #[serde(default)]
    src_ip: String,
    #[serde(default)]
    src_port: u16,
    #[serde(default)]
    dest_ip: String,
    #[serde(default)]
    dest_port: u16,
    #[serde(default)]
    proto: String,
    alert: Option<EveAlert>,
}

#[derive(Deserialize)]
struct EveAlert {
    signature_id: u32,
}

/// All cases, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn all() -> Result<Vec<Case>> {
    let root = workspace_root().join("tests/cases");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&root).with_context(|| format!("cannot read {}", root.display()))? {
        let folder = entry?.path();
        if let Some(name) = folder.file_name().and_then(|name| name.to_str())
            && folder.is_dir()
        {
            cases.push(Case {
                name: name.to_owned(),
                folder: folder.clone(),
            });
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

impl Case {
    /// Makes the capture of this case in a folder and returns its path.
    ///
    /// # Errors
    /// When the scenario cannot be read or played.
    pub fn make_capture(&self, into: &Path) -> Result<PathBuf> {
        let path = self.folder.join("scenario.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let scenario = Scenario::parse(&text).with_context(|| self.name.clone())?;
        let trace = scenario.play().with_context(|| self.name.clone())?;
        let output = into.join("input.pcap");
        let mut writer = BufWriter::new(File::create(&output)?);
        capture_file::write(&trace, scenario.file_format(), &mut writer)?;
        writer.flush()?;
        Ok(output)
    }

    /// The rule files of this case: its own, or all starter rules.
    ///
    /// # Errors
    /// When the folder of the starter rules cannot be read.
    pub fn rule_files(&self) -> Result<Vec<PathBuf>> {
        let own = self.folder.join("rules.rules");
        if own.exists() {
            Ok(vec![own])
        } else {
            starter_rules()
        }
    }

    /// Its limits of alerts, if it has a `threshold.config`.
    #[must_use]
    pub fn thresholds(&self) -> Option<PathBuf> {
        Some(self.folder.join("threshold.config")).filter(|path| path.exists())
    }

    /// Its categories and its reputations of addresses, if it has `iprep-categories.txt` and `iprep.list`.
    #[must_use]
    pub fn reputations(&self) -> Option<[PathBuf; 2]> {
        let files = ["iprep-categories.txt", "iprep.list"].map(|name| self.folder.join(name));
        Some(files).filter(|[categories, _]| categories.exists())
    }

    /// The settings of the sensor, if it has a `sensor.toml`.
    #[must_use]
    pub fn settings(&self) -> Option<PathBuf> {
        Some(self.folder.join("sensor.toml")).filter(|path| path.exists())
    }

    /// Its list of indicators, if it has an `indicators.csv`.
    #[must_use]
    pub fn indicators(&self) -> Option<PathBuf> {
        Some(self.folder.join("indicators.csv")).filter(|path| path.exists())
    }

    /// What must be found.
    ///
    /// # Errors
    /// When `expected.jsonl` is missing or malformed.
    pub fn expected(&self) -> Result<Alerts> {
        let path = self.expected_path();
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.lines()
            .map(|line| {
                let parsed: ExpectedLine = serde_json::from_str(line)
                    .with_context(|| format!("{}: {line}", path.display()))?;
                Ok((parsed.key, parsed.count))
            })
            .collect()
    }

    /// Writes what was found as what must be found; a person reads the difference before committing it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rewrite_expected(&self, alerts: &Alerts) -> Result<()> {
        let mut text = String::new();
        for (key, count) in alerts {
            let line = ExpectedLine {
                key: key.clone(),
                count: *count,
            };
            writeln!(text, "{}", serde_json::to_string(&line)?)?;
        }
        Ok(fs::write(self.expected_path(), text)?)
    }

    fn expected_path(&self) -> PathBuf {
        self.folder.join("expected.jsonl")
    }
}

/// The rule files of `rules/starter`, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn starter_rules() -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(workspace_root().join("rules/starter"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rules")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Counts the alerts in EVE JSON lines.
///
/// # Errors
/// When a line is not EVE JSON.
pub fn alerts_of_eve(text: &str) -> Result<Alerts> {
    let mut alerts = Alerts::new();
    for line in text.lines() {
        let event: EveLine =
            serde_json::from_str(line).with_context(|| format!("not an EVE line: {line}"))?;
        let Some(alert) = event.alert.filter(|_| event.event_type == "alert") else {
            continue;
        };
        let key = AlertKey {
            signature_id: alert.signature_id,
            src_ip: full_address(&event.src_ip),
            src_port: event.src_port,
            dest_ip: full_address(&event.dest_ip),
            dest_port: event.dest_port,
            proto: event.proto,
        };
        *alerts.entry(key).or_default() += 1;
    }
    Ok(alerts)
}

/// The reference writes IPv6 addresses without leaving out zeros; both spellings become that one.
fn full_address(text: &str) -> String {
    match text.parse::<std::net::Ipv6Addr>() {
        Ok(address) => address
            .segments()
            .map(|segment| format!("{segment:04x}"))
            .join(":"),
        Err(_) => text.to_owned(),
    }
}

/// What differs, one line each: `-` must be there and is not, `+` is there and must not be.
#[must_use]
pub fn differences(expected: &Alerts, found: &Alerts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut keys: Vec<&AlertKey> = expected.keys().chain(found.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (wanted, got) = (
            expected.get(key).copied().unwrap_or(0),
            found.get(key).copied().unwrap_or(0),
        );
        if wanted != got {
            let sign = if got < wanted { '-' } else { '+' };
            let ends = format!(
                "{}:{} -> {}:{}",
                key.src_ip, key.src_port, key.dest_ip, key.dest_port
            );
            lines.push(format!(
                "{sign} sid {} {} {ends}: {got} instead of {wanted}",
                key.signature_id, key.proto
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"event_type":"alert","src_ip":"2001:db8::1","src_port":1,"dest_ip":"2001:db8::2","dest_port":2,"proto":"UDP","alert":{"signature_id":7}}"#;

    #[test]
    fn equal_alerts_are_counted_and_missing_ones_named() {
        let found = alerts_of_eve(&format!("{LINE}\n{LINE}\n")).unwrap();
        assert_eq!(found.values().copied().collect::<Vec<u32>>(), [2]);
        assert_eq!(
            differences(&Alerts::new(), &found),
            [
                "+ sid 7 UDP 2001:0db8:0000:0000:0000:0000:0000:0001:1 -> 2001:0db8:0000:0000:0000:0000:0000:0002:2: 2 instead of 0"
            ]
        );
        assert!(differences(&found, &found).is_empty());
    }
}
