//! `lapwing rules delta | apply | derive`: from one canonical pack to the next, and to the pack that a sensor maps.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use lapwing_rules::{
    limits::{DELTA_FILE_BYTES, DERIVATION_BYTES},
    pack::{CanonicalPack, DELTA_HEADER_BYTES, apply_delta, derive, make_delta},
};
use lapwing_sensor::whole_file;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::new_file;

/// Processor time that deriving a pack may take, in seconds.
const DERIVE_SECONDS: u64 = 60;

/// What to compare.
#[derive(clap::Args)]
pub(super) struct DeltaArguments {
    /// The canonical pack that sensors have
    old: PathBuf,
    /// The canonical pack that they should get
    new: PathBuf,
    /// Where to write the delta
    #[arg(long, short, value_name = "DELTA")]
    output: PathBuf,
}

/// What to bring forward.
#[derive(clap::Args)]
pub(super) struct ApplyArguments {
    /// The canonical pack that is here
    old: PathBuf,
    /// The delta that arrived
    delta: PathBuf,
    /// Where to write the new canonical pack
    #[arg(long, short, value_name = "CANONICAL")]
    output: PathBuf,
}

/// What to derive from.
#[derive(clap::Args)]
pub(super) struct DeriveArguments {
    /// A canonical pack
    canonical: PathBuf,
    /// Where to write the pack that a sensor maps
    #[arg(long, short, value_name = "PACK")]
    output: PathBuf,
}

fn open(path: &Path) -> anyhow::Result<CanonicalPack> {
    CanonicalPack::open(path).with_context(|| path.display().to_string())
}

pub(super) fn delta(out: &mut impl Write, arguments: &DeltaArguments) -> anyhow::Result<ExitCode> {
    let delta = make_delta(&open(&arguments.old)?, &open(&arguments.new)?)?;
    new_file::replace_by(&arguments.output, &delta)?;
    writeln!(
        out,
        "{}: {} bytes of changes, {DELTA_HEADER_BYTES} bytes of metadata",
        arguments.output.display(),
        delta.len() - DELTA_HEADER_BYTES
    )?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn apply(out: &mut impl Write, arguments: &ApplyArguments) -> anyhow::Result<ExitCode> {
    let old = open(&arguments.old)?;
    let in_delta = || arguments.delta.display().to_string();
    let max_bytes = usize::try_from(DELTA_FILE_BYTES).unwrap_or(usize::MAX);
    let delta = whole_file::read(&arguments.delta, max_bytes).with_context(in_delta)?;
    new_file::replace(&arguments.output, |file| {
        apply_delta(&old, &delta, file).with_context(in_delta)
    })?;
    say_digest(out, &arguments.output)
}

pub(super) fn derive_pack(
    out: &mut impl Write,
    arguments: &DeriveArguments,
) -> anyhow::Result<ExitCode> {
    bound_this_process()?;
    let canonical = open(&arguments.canonical)?;
    new_file::replace(&arguments.output, |file| {
        derive(&canonical, file).with_context(|| arguments.canonical.display().to_string())
    })?;
    writeln!(
        out,
        "{}: {} bytes, digest {}",
        arguments.output.display(),
        canonical.derived_bytes(),
        hex::encode(canonical.derived_digest())
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What arrives must not take the board down: this process gets no more memory and time than an honest pack needs.
fn bound_this_process() -> anyhow::Result<()> {
    for (resource, most) in [
        (Resource::Data, DERIVATION_BYTES),
        (Resource::Cpu, DERIVE_SECONDS),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).context("cannot bound this process")?;
    }
    Ok(())
}

/// What a canonical pack is, in a line.
pub(super) fn say_digest(out: &mut impl Write, path: &Path) -> anyhow::Result<ExitCode> {
    let canonical = open(path)?;
    writeln!(
        out,
        "{}: {} bytes, canonical digest {}",
        path.display(),
        canonical.bytes().len(),
        hex::encode(canonical.digest())
    )?;
    Ok(ExitCode::SUCCESS)
}
