//! `sensor.toml`: from text to settings that the program can rely on, all mistakes told together.
//!
//! Relative paths are relative to the folder of the file.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use lapwing_outbox::Keyslot;
use lapwing_rules::source::Language;

use super::{
    board::{Board, board},
    document::{self, Mistakes, Section},
    engine::{EngineSettings, engine},
    quantity::{parse_bytes, parse_duration},
    uplink::{Uplink, uplink},
};
use crate::findings::limits::WINDOW_SECONDS_DEFAULT;

/// Interfaces that one sensor captures from.
const INTERFACES_MAX: usize = 8;
/// Workers of one sensor.
const WORKERS_MAX: u64 = 32;

/// Bytes of a settings file.
const MAX_SETTINGS_BYTES: u64 = 256 * 1024;

/// What the site sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Folder of everything that the sensor keeps: outbox, identity, status.
    pub state: PathBuf,
    /// What the engine may hold in memory, in bytes.
    pub memory_bytes: u64,
    /// Where packets come from; `None` serves replays only.
    pub capture: Option<Capture>,
    /// How the engine follows what it sees.
    pub engine: EngineSettings,
    /// The rules.
    pub rules: Rules,
    /// The ISP's policy; without one nothing leaves but heartbeats.
    pub policy: Option<PolicySource>,
    /// Alerts of one rule between the same ends within this time become one finding.
    pub window: Duration,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// What the outbox may take on disk, in bytes.
    pub outbox_max_bytes: u64,
    /// What sensor and uplink may write to the disk a day, in bytes.
    pub write_budget_bytes: u64,
    /// File of the key that the outbox is encrypted with; none for the usual place.
    pub outbox_key_file: Option<PathBuf>,
    /// How the uplink reaches the centre.
    pub uplink: Uplink,
    /// The image that this machine is made of, where it is.
    pub board: Option<Board>,
}

/// Live capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Names of the interfaces, as `eth1`; of a tap both.
    pub interfaces: Vec<String>,
    /// Workers that share the traffic; none means one a processor core.
    pub workers: Option<usize>,
    /// Whether frames for other machines are taken.
    pub promiscuous: bool,
    /// Bytes kept of a packet.
    pub snapshot_bytes: u32,
    /// Bytes of the kernel's rings together.
    pub buffer_bytes: u32,
    /// A filter in pcap's language, if any.
    pub filter: Option<String>,
}

/// Where rules come from, and the variables that rule files are read with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The version of the language that rule files are written in.
    pub language: Language,
    /// The rules themselves.
    pub source: RuleSource,
    /// File of variables for rule files.
    pub variables: Option<PathBuf>,
    /// Files of limits of alerts (`threshold.config`), for rule files.
    pub thresholds: Vec<PathBuf>,
    /// File of categories of reputations, for `iprep` in rule files.
    pub reputation_categories: Option<PathBuf>,
    /// Files of reputations of addresses.
    pub reputations: Vec<PathBuf>,
    /// The root of the repository that `rules.pack` is updated from.
    pub root: Option<PathBuf>,
    /// The pack that stands in the place of `rules.pack` until the first update.
    pub starter: Option<PathBuf>,
    /// Whether what the uplink mirrors is taken without a person.
    pub are_followed: bool,
}

/// A compiled pack, or rule files that are compiled at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// A compiled pack.
    Pack(PathBuf),
    /// Rule files in the Suricata language.
    Files(Vec<PathBuf>),
}

/// The policy file and whose signature it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// The signed policy.
    pub file: PathBuf,
    /// File of the ISP's public key.
    pub isp_key: PathBuf,
    /// File of the keys that pseudonyms are made with.
    pub pseudonym_keys: Option<PathBuf>,
    /// File of the ISP's public ledger key, for which the ledger keeps the keys of envelopes.
    pub ledger_key: Option<PathBuf>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than settings ever are.
    #[error("{} is larger than {MAX_SETTINGS_BYTES} bytes: is it a settings file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file has mistakes.
    #[error("{}: {mistakes}", path.display())]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them.
        mistakes: Mistakes,
    },
}

impl Settings {
    /// Where records wait for the uplink.
    #[must_use]
    pub fn outbox_folder(&self) -> PathBuf {
        self.state.join("outbox")
    }

    /// Where what is given back to the ISP is kept.
    #[must_use]
    pub fn give_back_folder(&self) -> PathBuf {
        self.state.join("give-back")
    }

    /// Where the ledger of what left is.
    #[must_use]
    pub fn ledger_folder(&self) -> PathBuf {
        self.state.join("ledger")
    }

    /// Where the key and the certificate of this device are.
    #[must_use]
    pub fn identity_folder(&self) -> PathBuf {
        Self::identity_folder_in(&self.state)
    }

    /// The same for a state folder without settings.
    #[must_use]
    pub fn identity_folder_in(state: &Path) -> PathBuf {
        state.join("identity")
    }

    /// Where the uplink mirrors the centre's rule repository.
    #[must_use]
    pub fn rule_mirror_folder(&self) -> PathBuf {
        self.state.join("rule-repository")
    }

    /// Where the uplink mirrors the centre's repository of images.
    #[must_use]
    pub fn image_mirror_folder(&self) -> PathBuf {
        self.state.join("image-repository")
    }

    /// Bounds of the outbox and what it is encrypted with, the same for both processes.
    #[must_use]
    pub fn outbox(&self, keyslot: Option<Keyslot>) -> lapwing_outbox::Settings {
        lapwing_outbox::Settings {
            max_bytes: self.outbox_max_bytes,
            keyslot,
            ..lapwing_outbox::Settings::default()
        }
        .within_write_budget(self.write_budget_bytes)
    }

    /// Reads settings from a file.
    ///
    /// # Errors
    /// [`SettingsError`]: the file cannot be read, or all its mistakes together.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let failed = |source| SettingsError::Read {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.len() > MAX_SETTINGS_BYTES {
            return Err(SettingsError::TooLarge {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        parse(&text, folder).map_err(|mistakes| SettingsError::Mistakes {
            path: path.to_owned(),
            mistakes,
        })
    }
}

/// Reads settings from text; relative paths are made relative to `folder`.
///
/// # Errors
/// All mistakes together, each with its line.
pub fn parse(text: &str, folder: &Path) -> Result<Settings, Mistakes> {
    document::read(text, |root| {
        let state = path(root, "state", folder).unwrap_or_else(|| {
            root.missing(
                "state",
                "write the folder for the sensor's data, as \"/var/lib/lapwing\"",
            );
            PathBuf::new()
        });
        let memory_bytes = bytes(root, "memory", 16 << 20..=1 << 40);
        let (window, heartbeat) = root.section("findings", |section| {
            let window = duration(section, "window", 1..=86_400);
            (window, duration(section, "heartbeat", 1..=86_400))
        });
        let (outbox_max, write_budget, outbox_key_file) = root.section("outbox", |section| {
            let size = bytes(section, "size", 1 << 20..=1 << 40);
            let written = bytes(section, "write_budget", 1 << 20..=1 << 40);
            (size, written, path(section, "key_file", folder))
        });
        Settings {
            state,
            memory_bytes: memory_bytes.unwrap_or(64 << 20),
            capture: root.section("capture", capture),
            engine: engine(root),
            rules: root.section("rules", |section| rules(section, folder)),
            policy: root.section("policy", |section| policy(section, folder)),
            window: window.unwrap_or(Duration::from_secs(WINDOW_SECONDS_DEFAULT)),
            heartbeat: heartbeat.unwrap_or(Duration::from_secs(300)),
            outbox_max_bytes: outbox_max.unwrap_or(256 << 20),
            write_budget_bytes: write_budget.unwrap_or(500_000_000),
            outbox_key_file,
            uplink: root.section("uplink", uplink),
            board: root.section("board", |section| board(section, folder)),
        }
    })
}

fn capture(section: &Section<'_>) -> Option<Capture> {
    let snapshot = bytes(section, "snapshot", 64..=262_144);
    let buffer = bytes(section, "buffer", 1 << 16..=1 << 30);
    let filter = section.text("filter").map(str::to_owned);
    let workers = section.number("workers", 1..=WORKERS_MAX);
    let promiscuous = section.boolean("promiscuous");
    let one = section.text("interface").map(str::to_owned);
    let many = section.list("interfaces", |text| Ok::<_, String>(text.to_owned()));
    if !section.is_present() {
        return None;
    }
    let interfaces = match (one, many) {
        (Some(_), Some(_)) => {
            section.mistake(
                "interfaces",
                &"stands beside capture.interface; write one of the two",
            );
            Vec::new()
        }
        (Some(one), None) => vec![one],
        (None, Some(many)) => many,
        (None, None) => {
            section.missing(
                "interface",
                "write the name of the interface, as \"eth1\", or of a tap interfaces = [\"eth1\", \"eth2\"]",
            );
            Vec::new()
        }
    };
    let distinct: BTreeSet<&String> = interfaces.iter().collect();
    if interfaces.len() > INTERFACES_MAX || distinct.len() < interfaces.len() {
        section.mistake(
            "interfaces",
            &format_args!("must be at most {INTERFACES_MAX} different names"),
        );
    }
    let narrow = |size: Option<u64>, default| {
        size.and_then(|size| u32::try_from(size).ok())
            .unwrap_or(default)
    };
    Some(Capture {
        interfaces,
        workers: workers.and_then(|workers| usize::try_from(workers).ok()),
        promiscuous: promiscuous.unwrap_or(true),
        snapshot_bytes: narrow(snapshot, 65_535),
        buffer_bytes: narrow(buffer, 16 << 20),
        filter,
    })
}

fn rules(section: &Section<'_>, folder: &Path) -> Rules {
    let pack = path(section, "pack", folder);
    let files = section.list("files", |text| Ok::<_, String>(folder.join(text)));
    let variables = path(section, "variables", folder);
    let root = path(section, "root", folder);
    let starter = path(section, "starter", folder);
    let are_followed = section.boolean("follow").unwrap_or(false);
    let language = section.number("language", 7..=8);
    let source = match (pack, files) {
        (Some(_), Some(_)) => {
            section.mistake("files", &"stands beside rules.pack; write one of the two");
            RuleSource::Files(Vec::new())
        }
        (Some(pack), None) => RuleSource::Pack(pack),
        (None, Some(files)) => {
            if files.is_empty() {
                section.mistake("files", &"is empty: a sensor without rules sees nothing");
            }
            RuleSource::Files(files)
        }
        (None, None) => {
            section.missing("pack", "write pack = \"FILE\" or files = [\"FILE\"]");
            RuleSource::Files(Vec::new())
        }
    };
    let thresholds = section
        .list("thresholds", |text| Ok::<_, String>(folder.join(text)))
        .unwrap_or_default();
    let reputation_categories = path(section, "iprep_categories", folder);
    let reputations = section
        .list("iprep", |text| Ok::<_, String>(folder.join(text)))
        .unwrap_or_default();
    if reputation_categories.is_none() && !reputations.is_empty() {
        section.missing(
            "iprep_categories",
            "write the file that says what the numbers of categories in rules.iprep mean",
        );
    }
    if matches!(source, RuleSource::Files(_)) {
        if root.is_some() {
            section.mistake(
                "root",
                &"stands without rules.pack: only a pack can be updated from a repository",
            );
        }
        if starter.is_some() {
            section.mistake("starter", &"stands without rules.pack, which it begins");
        }
    }
    if are_followed && root.is_none() {
        section.mistake(
            "follow",
            &"is of use only beside rules.root: name the root.json that the centre handed over",
        );
    }
    Rules {
        language: language.and_then(Language::from_number).unwrap_or_default(),
        source,
        variables,
        thresholds,
        reputation_categories,
        reputations,
        root,
        starter,
        are_followed,
    }
}

fn policy(section: &Section<'_>, folder: &Path) -> Option<PolicySource> {
    let file = path(section, "file", folder);
    let isp_key = path(section, "isp_key", folder);
    let pseudonym_keys = path(section, "pseudonym_keys", folder);
    let ledger_key = path(section, "ledger_key", folder);
    if !section.is_present() {
        return None;
    }
    if file.is_none() {
        section.missing("file", "write the signed policy's path");
    }
    if isp_key.is_none() {
        section.missing("isp_key", "write the path of the ISP's public key");
    }
    Some(PolicySource {
        file: file?,
        isp_key: isp_key?,
        pseudonym_keys,
        ledger_key,
    })
}

pub(super) fn path(section: &Section<'_>, key: &'static str, folder: &Path) -> Option<PathBuf> {
    section.parsed(key, |text| {
        if text.is_empty() {
            Err("must not be empty")
        } else {
            Ok(folder.join(text))
        }
    })
}

pub(super) fn bytes(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<u64>,
) -> Option<u64> {
    section.parsed(key, |text| {
        let bytes = parse_bytes(text)?;
        if range.contains(&bytes) {
            Ok(bytes)
        } else {
            Err(format!(
                "must be from {} to {} bytes",
                range.start(),
                range.end()
            ))
        }
    })
}

pub(super) fn duration(
    section: &Section<'_>,
    key: &'static str,
    seconds: std::ops::RangeInclusive<u64>,
) -> Option<Duration> {
    section.parsed(key, |text| {
        let duration = parse_duration(text)?;
        if seconds.contains(&duration.as_secs())
            && (duration.as_millis() > 0 || *seconds.start() == 0)
        {
            Ok(duration)
        } else {
            Err(format!(
                "must be from {} s to {} s",
                seconds.start(),
                seconds.end()
            ))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        state = "/var/lib/lapwing"
        memory = "64 MiB"
        [capture]
        interface = "eth1"
        filter = "not port 22"
        [rules]
        pack = "national.pack"
        root = "root.json"
        [policy]
        file = "policy.signed"
        isp_key = "isp.pub"
        [findings]
        window = "30 s"
        heartbeat = "1 min"
        [outbox]
        size = "100 MiB"
        write_budget = "50 MiB"
        key_file = "/media/key/outbox.key"
        [uplink]
        centres = ["centre.example:7443", "[2001:db8::1]:7443"]
        send_interval = "5 s"
    "#;

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = parse(WHOLE, Path::new("/etc/lapwing")).unwrap();
        assert_eq!(settings.state, Path::new("/var/lib/lapwing"));
        assert_eq!(
            settings.rules.source,
            RuleSource::Pack("/etc/lapwing/national.pack".into())
        );
        assert_eq!(
            settings.rules.root.as_deref(),
            Some(Path::new("/etc/lapwing/root.json"))
        );
        assert_eq!(settings.window, Duration::from_secs(30));
        assert_eq!(settings.outbox_max_bytes, 100 << 20);
        assert_eq!(settings.write_budget_bytes, 50 << 20);
        assert_eq!(settings.outbox(None).commit_after_milliseconds, 54_000);
        assert_eq!(settings.capture.unwrap().interfaces, ["eth1"]);
        assert_eq!(
            settings.outbox_key_file.as_deref(),
            Some(Path::new("/media/key/outbox.key"))
        );
    }

    #[test]
    fn both_sides_of_a_tap_are_captured_together() {
        let capture = |text: &str| {
            let text = format!("state = '/s'\n[rules]\npack = 'p'\n[capture]\n{text}");
            parse(&text, Path::new("")).map(|settings| settings.capture.unwrap())
        };
        let tap =
            capture("interfaces = ['eth1', 'eth2']\nworkers = 2\npromiscuous = false").unwrap();
        assert_eq!(tap.interfaces, ["eth1", "eth2"]);
        assert_eq!((tap.workers, tap.promiscuous), (Some(2), false));
        for wrong in [
            "interface = 'eth1'\ninterfaces = ['eth2']",
            "interfaces = ['eth1', 'eth1']",
        ] {
            let mistakes = capture(wrong).unwrap_err().to_string();
            assert!(mistakes.contains("capture.interfaces"), "{mistakes}");
        }
    }

    #[test]
    fn rules_are_followed_only_with_a_root() {
        let rules = |text: &str| {
            parse(&format!("state = '/s'\n[rules]\n{text}"), Path::new("/e"))
                .map(|settings| settings.rules)
        };
        let followed =
            rules("pack = 'p'\nroot = 'r'\nstarter = '/image/s'\nfollow = true").unwrap();
        assert!(followed.are_followed);
        assert_eq!(followed.starter.as_deref(), Some(Path::new("/image/s")));
        assert!(!rules("pack = 'p'\nroot = 'r'").unwrap().are_followed);
        for (wrong, told) in [
            ("pack = 'p'\nfollow = true", "rules.follow"),
            ("files = ['f']\nstarter = 's'", "rules.starter"),
        ] {
            let mistakes = rules(wrong).unwrap_err().to_string();
            assert!(mistakes.contains(told), "{mistakes}");
        }
    }

    #[test]
    fn all_mistakes_are_told_together() {
        let text = "memory = '64'\nmemry = 1\n[capture]\nbuffer = '1 B'\nworkers = 0\n[policy]\nfile = 'p'\n\
            [findings]\nwindow = '0 s'\n[uplink]\ncentres = ['centre', 'http://c:1', 'c:0']\n";
        let mistakes = parse(text, Path::new("")).unwrap_err().to_string();
        for expected in [
            "line 1: memory: `64` is not a size",
            "line 2: memry: unknown key",
            "state is missing",
            "capture.interface is missing",
            "capture.workers: must be a whole number from 1 to 32",
            "capture.buffer: must be from",
            "policy.isp_key is missing",
            "findings.window: must be from 1 s",
            "rules.pack is missing",
            "`centre` is not HOST:PORT",
            "`http://c:1` is not HOST:PORT",
            "`c:0` is not HOST:PORT",
        ] {
            assert!(mistakes.contains(expected), "{expected}: {mistakes}");
        }
    }
}
