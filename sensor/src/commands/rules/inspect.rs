//! `lapwing rules inspect`: what a pack holds, and what opening it costs here.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context;
use lapwing_rules::pack::Pack;

/// Which pack.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A pack that a sensor maps
    pack: PathBuf,
}

pub(super) fn run(out: &mut impl Write, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    inspect(out, &arguments.pack).with_context(|| arguments.pack.display().to_string())
}

fn inspect(out: &mut impl Write, path: &Path) -> anyhow::Result<ExitCode> {
    let begin = Instant::now();
    let digest = Pack::file_digest(path)?;
    let digest_time = begin.elapsed();
    let begin = Instant::now();
    let pack = Pack::open_with_digest(path, digest)?;
    let open_time = begin.elapsed();
    writeln!(out, "bytes        {}", pack.length_bytes())?;
    writeln!(out, "digest       {}", hex::encode(digest))?;
    writeln!(out, "rules        {}", pack.rule_count())?;
    writeln!(out, "not run      {}", pack.unsupported().count())?;
    writeln!(out, "expressions  {}", pack.regex_count())?;
    writeln!(
        out,
        "groups       {} with {} patterns",
        pack.prefilter_groups().count(),
        pack.prefilter_groups()
            .map(|group| group.pattern_count())
            .sum::<usize>()
    )?;
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    writeln!(out, "digest took  {:.1} ms", milliseconds(digest_time))?;
    writeln!(out, "opening took {:.1} ms", milliseconds(open_time))?;
    Ok(ExitCode::SUCCESS)
}
