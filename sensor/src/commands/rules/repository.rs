//! `lapwing rules verify` and `update`: one line that says what came of it, and a status that scripts can ask.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use lapwing_sensor::{
    clock::wall_milliseconds,
    rule_update::{self, Installed, KnownTime, Offer, RuleSite, Way},
    settings::{RuleSource, Settings},
};

/// What to hold against whom.
#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    /// Folder of the repository
    repository: PathBuf,
    #[command(flatten)]
    site: Site,
}

/// What to take from where.
#[derive(clap::Args)]
pub(super) struct UpdateArguments {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    site: Site,
}

/// Whose rules, and trusted since when.
#[derive(clap::Args)]
struct Site {
    /// Settings of the sensor; they name the pack and the root
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "pack"], required_unless_present = "root")]
    config: Option<PathBuf>,
    /// The root that is trusted, where there are no settings
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The pack of the sensor, where there are no settings
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// The time, where the clock of this machine is wrong, as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
}

impl Site {
    fn read(&self) -> anyhow::Result<(RuleSite, KnownTime)> {
        let clock_seconds = match self.time {
            Some(time) => u64::try_from(time.as_second()).unwrap_or(0),
            None => wall_milliseconds() / 1000,
        };
        let known = |identity: &Path| -> anyhow::Result<KnownTime> {
            Ok(KnownTime {
                clock_seconds,
                floor_seconds: lapwing_uplink::time_floor_seconds(identity)?,
            })
        };
        let Some(config) = &self.config else {
            let root = self.root.clone().context("name a root with --root")?;
            let site = RuleSite {
                root,
                pack: self.pack.clone(),
            };
            return Ok((site, known(Path::new(""))?));
        };
        let settings = Settings::read(config)?;
        let RuleSource::Pack(pack) = &settings.rules.source else {
            bail!(
                "{}: rules.files are compiled at start; write rules.pack and rules.root to take rules from a repository",
                config.display()
            );
        };
        let Some(root) = settings.rules.root.clone() else {
            bail!(
                "{}: rules.root is missing: name the root.json that the centre handed over",
                config.display()
            );
        };
        let site = RuleSite {
            root,
            pack: Some(pack.clone()),
        };
        Ok((site, known(&settings.identity_folder())?))
    }
}

pub(super) fn verify(
    out: &mut impl Write,
    arguments: &VerifyArguments,
) -> anyhow::Result<ExitCode> {
    let (site, time) = arguments.site.read()?;
    match rule_update::verify(&site, &arguments.repository, time) {
        Ok(offer) => {
            let news = match (&site.pack, offer.is_installed) {
                (None, _) => "",
                (Some(_), true) => "; this sensor has it",
                (Some(_), false) => "; new to this sensor",
            };
            writeln!(out, "GOOD: {}{news}", words(&offer))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refuse(out, error.into()),
    }
}

pub(super) fn update(
    out: &mut impl Write,
    arguments: &UpdateArguments,
) -> anyhow::Result<ExitCode> {
    let (site, time) = arguments.site.read()?;
    match rule_update::update(&site, &arguments.from, time, &derive) {
        Ok((offer, installed)) => {
            writeln!(out, "{}", told(&offer, &installed))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refuse(out, error.into()),
    }
}

fn refuse(out: &mut impl Write, error: anyhow::Error) -> anyhow::Result<ExitCode> {
    writeln!(out, "REFUSED: {error:#}; the rules of the sensor stay")?;
    Ok(ExitCode::FAILURE)
}

fn words(offer: &Offer) -> String {
    let clock = offer
        .time_instead_of_clock
        .as_ref()
        .map_or_else(String::new, |time| {
            format!("; the clock is behind, held against {time}")
        });
    format!(
        "pack {} with {} rules, timestamp {} holds until {}{clock}",
        short(&offer.digest),
        offer.rules,
        offer.version,
        offer.ends
    )
}

fn told(offer: &Offer, installed: &Installed) -> String {
    let way = match installed.way {
        Way::Known => return format!("CURRENT: {}; this sensor has it", words(offer)),
        Way::Delta(bytes) => format!("by a delta of {bytes} bytes"),
        Way::Whole(bytes) => format!("as a whole, {bytes} bytes"),
    };
    let before = match &installed.before {
        Some(digest) => format!("in place of {}", short(digest)),
        None => "the first".to_owned(),
    };
    let refused = installed
        .delta_refused
        .as_ref()
        .map_or_else(String::new, |reason| {
            format!("; the delta was not usable: {reason}")
        });
    format!(
        "UPDATED: {}; {before}, {way}{refused}; a running sensor takes it within a second",
        words(offer)
    )
}

fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}

/// Derives a pack in a process of its own, which bounds itself: what it is given may be hostile.
fn derive(canonical: &Path, pack: &Path) -> Result<(), String> {
    let run = || -> anyhow::Result<Output> {
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let mut command = Command::new(program);
        command.args(["rules", "derive"]).arg(canonical);
        command.arg("--output").arg(pack).stdin(Stdio::null());
        Ok(command.output()?)
    };
    let failed = match run() {
        Ok(ended) if ended.status.success() => return Ok(()),
        Ok(ended) => match String::from_utf8_lossy(&ended.stderr).lines().next() {
            Some(said) => said.to_owned(),
            None => ended.status.to_string(),
        },
        Err(error) => format!("{error:#}"),
    };
    // What a process that was ended in the middle leaves behind.
    fs::remove_file(pack.with_added_extension("new")).ok();
    Err(failed)
}
