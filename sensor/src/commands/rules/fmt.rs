//! `lapwing rules fmt`: rule files in their canonical layout.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::bail;
use lapwing_rules::layout::lay_out;

use super::new_file;
use crate::commands::load_rules::read_sources;

/// What to lay out.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Rule files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing; name the files that are not laid out, and fail if there are any
    #[arg(long)]
    check: bool,
    /// Print the layout of one file in place of writing it
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

pub(super) fn run(out: &mut impl Write, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = read_sources(&arguments.files)?;
    if arguments.stdout {
        let [source] = sources.as_slice() else {
            bail!("--stdout prints one file, and {} were given", sources.len());
        };
        out.write_all(&lay_out(&source.bytes))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut different = 0_usize;
    for source in &sources {
        let laid_out = lay_out(&source.bytes);
        if laid_out == source.bytes {
            continue;
        }
        different += 1;
        if !arguments.check {
            new_file::replace_by(source.name.as_ref().as_ref(), &laid_out)?;
        }
        writeln!(out, "{}", source.name)?;
    }
    let what = if arguments.check {
        "would be laid out"
    } else {
        "were laid out"
    };
    writeln!(out, "{different} of {} files {what}", sources.len())?;
    Ok(if arguments.check && different > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
