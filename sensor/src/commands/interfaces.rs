//! `lapwing interfaces`: what there is to capture from, and how an interface is made a capture port.

use std::{fmt::Write, process::ExitCode};

use anyhow::Context;
use lapwing_sensor::interfaces::{self, Interface, Prepared};

use crate::terminal;

/// What to do; without a command, list them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Take IPv6, ARP and joined frames off capture ports, and bring them up
    Prepare {
        /// Names of the interfaces
        #[arg(required = true, value_name = "INTERFACE")]
        interfaces: Vec<String>,
    },
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        None => list(arguments.json)?,
        Some(Action::Prepare { interfaces }) => {
            for name in &interfaces {
                tell(name, &interfaces::prepare(name)?)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(json: bool) -> anyhow::Result<()> {
    let all = interfaces::all();
    if json {
        let mut text = serde_json::to_string_pretty(&all).context("cannot write JSON")?;
        text.push('\n');
        terminal::write(text)?;
        return Ok(());
    }
    let mut text = format!(
        "{:<12} {:<5} {:<5} {:>10} {:<10} {:<16} {:<8} {}\n",
        "INTERFACE", "STATE", "LINK", "SPEED", "DRIVER", "JOINS FRAMES", "SENDS", "ADDRESSES"
    );
    for interface in &all {
        line(&mut text, interface)?;
    }
    terminal::write(text)?;
    Ok(())
}

fn line(text: &mut String, interface: &Interface) -> std::fmt::Result {
    let link = match interface.has_link {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let speed = interface
        .speed_megabits
        .map_or_else(|| "-".to_owned(), |speed| format!("{speed} Mbit/s"));
    let offloads = match interface.offloads.as_deref() {
        None => "unknown".to_owned(),
        Some([]) => "no".to_owned(),
        Some(offloads) => {
            let names = offloads.iter().map(|offload| offload.ethtool_name());
            names.collect::<Vec<_>>().join(",")
        }
    };
    let addresses: Vec<String> = interface
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    writeln!(
        text,
        "{:<12} {:<5} {link:<5} {speed:>10} {:<10} {offloads:<16} {:<8} {}",
        interface.name,
        if interface.is_up { "up" } else { "down" },
        interface.driver.as_deref().unwrap_or("-"),
        if interface.is_quiet() { "never" } else { "may" },
        if addresses.is_empty() {
            "-".to_owned()
        } else {
            addresses.join(" ")
        },
    )
}

fn tell(name: &str, prepared: &Prepared) -> anyhow::Result<()> {
    let mut text = format!("{name}: is up, without IPv6 and ARP: it never sends");
    if !prepared.turned_off.is_empty() {
        let names = prepared
            .turned_off
            .iter()
            .map(|offload| offload.ethtool_name());
        write!(
            text,
            "; turned off {}",
            names.collect::<Vec<_>>().join(", ")
        )?;
    }
    if prepared.was_up {
        text.push_str("; it was up before, and may have sent until now");
    }
    text.push('\n');
    if let Some(problem) = &prepared.offload_problem {
        writeln!(
            text,
            "{name}: its offloads cannot be turned off ({problem}): packets may be seen joined"
        )?;
    }
    terminal::write(text)?;
    Ok(())
}
