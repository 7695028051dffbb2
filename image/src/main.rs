//! `lapwing-image`: builds the image of a sensor, looks into it, checks it, and writes it to a card.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bill_of_materials;
mod block_map;
mod board;
mod boot_partition;
mod build;
mod disk_image;
mod disks;
mod flash;
mod image_file;
mod imager_list;
mod initial_memory_disk;
mod inspect;
mod kernel_modules;
mod lock_file;
mod packages;
mod raspberry_pi;
mod root;
mod secrets;
mod site;
mod tool;
mod u_boot_script;
mod update;

use std::{
    fmt::Arguments,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// Builds, checks and writes images of Lapwing sensors.
#[derive(Parser)]
#[command(name = "lapwing-image", version, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the image for a board
    Build(build::Arguments),
    /// Tell what is in an image
    Inspect(inspect::Arguments),
    /// Check that an image is whole and holds no secret
    Verify(inspect::Arguments),
    /// Write an image to a card, read it back, and put the site file on it
    Flash(flash::Arguments),
    /// Make the site file for one sensor, or check one
    Site(site::Arguments),
    /// Make updates of images: keys, a repository of signed parts, and a file for a card or a stick
    Update(update::Arguments),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().command {
        Command::Build(arguments) => build::run(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Verify(arguments) => inspect::verify(&arguments),
        Command::Flash(arguments) => flash::run(&arguments),
        Command::Site(arguments) => site::run(&arguments),
        Command::Update(arguments) => update::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _written = writeln!(io::stderr(), "lapwing-image: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tells a person a line.
fn report(line: Arguments<'_>) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}
