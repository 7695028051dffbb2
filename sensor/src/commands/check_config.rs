//! `lapwing check-config`: the settings and everything they name, before a service is started with them.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use lapwing_sensor::{
    policy,
    settings::{RuleSource, Settings},
};

use super::link;
use crate::terminal;

/// Where the settings are.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of a sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    let mut report = String::new();
    let mut is_right = true;
    let mut tell = |what: &str, result: Result<String, String>| {
        let (mark, text) = match result {
            Ok(text) => ("ok   ", text),
            Err(text) => {
                is_right = false;
                ("WRONG", text)
            }
        };
        writeln!(report, "{mark} {what:<10} {text}")
    };
    tell("settings", Ok(arguments.config.display().to_string()))?;
    tell("state", folder(&settings.state))?;
    if let Some(capture) = &settings.capture {
        for name in &capture.interfaces {
            tell("interface", interface(name))?;
        }
    }
    let rules = match &settings.rules.source {
        RuleSource::Pack(pack) => std::slice::from_ref(pack),
        RuleSource::Files(files) => files.as_slice(),
    };
    for path in rules
        .iter()
        .chain(&settings.rules.variables)
        .chain(&settings.rules.reputation_categories)
        .chain(&settings.rules.reputations)
        .chain(&settings.rules.root)
    {
        tell("rules", readable(path))?;
    }
    tell(
        "uplink",
        link::of(&settings)
            .map(|_| "as set".to_owned())
            .map_err(|error| format!("{error:#}")),
    )?;
    tell("policy", policy(&settings))?;
    terminal::write(report)?;
    Ok(if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn folder(path: &Path) -> Result<String, String> {
    let name = path.display();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(name.to_string()),
        Ok(_) => Err(format!("{name} is not a folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(format!("{name} will be made")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn interface(name: &str) -> Result<String, String> {
    let interfaces = pnet_datalink::interfaces();
    match interfaces.iter().find(|interface| interface.name == name) {
        Some(interface) if interface.is_up() => Ok(name.to_owned()),
        Some(_) => Ok(format!("{name} is down now")),
        None => {
            let known = interfaces.iter().map(|interface| interface.name.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            Err(format!("there is no interface {name}; there are {known}"))
        }
    }
}

fn readable(path: &Path) -> Result<String, String> {
    let name = path.display();
    match fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => Ok(format!("{name}, {} bytes", metadata.len())),
        Ok(_) => Err(format!("{name} is not a file")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn policy(settings: &Settings) -> Result<String, String> {
    let Some(source) = &settings.policy else {
        return Ok("none set: nothing leaves but heartbeats".to_owned());
    };
    match policy::check(source, &settings.state) {
        Ok(in_force) => Ok(format!(
            "serial {} for {}, digest {}",
            in_force.policy().serial,
            in_force.policy().site,
            in_force.digest()
        )),
        Err(reason) => Err(format!(
            "{}; nothing leaves but heartbeats",
            reason.with_causes()
        )),
    }
}
