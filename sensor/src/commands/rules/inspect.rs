//! `lapwing rules inspect`: what a pack holds, and what opening it costs here.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context;
use lapwing_rules::{indicator::IndicatorKind, pack::Pack};
use rustix::time::{ClockId, Timespec, clock_gettime};

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
    let begin = Clocks::now();
    let digest = Pack::file_digest(path)?;
    let digest_took = begin.elapsed();
    let begin = Clocks::now();
    let pack = Pack::open_with_digest(path, digest)?;
    let opening_took = begin.elapsed();
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
    for kind in IndicatorKind::ALL {
        let count = pack.indicators().count(*kind);
        if count > 0 {
            writeln!(out, "{:<12} {count} indicators", kind.name())?;
        }
    }
    for (list, rule) in pack.indicators().lists() {
        let name = pack.rule(rule).map_or("", |rule| rule.message());
        let count = pack
            .indicators()
            .iter()
            .filter(|one| one.list == list)
            .count();
        writeln!(out, "list {list:<7} {count} indicators: {name}")?;
    }
    writeln!(out, "digest took  {digest_took}")?;
    writeln!(out, "opening took {opening_took}")?;
    Ok(ExitCode::SUCCESS)
}

/// The clock on the wall and that of the processor: on a busy machine only the latter says what something costs.
struct Clocks {
    wall: Instant,
    processor: Timespec,
}

impl Clocks {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            processor: clock_gettime(ClockId::ThreadCPUTime),
        }
    }

    fn elapsed(&self) -> String {
        let processor = clock_gettime(ClockId::ThreadCPUTime);
        let nanoseconds = (processor.tv_sec - self.processor.tv_sec) * 1_000_000_000
            + (processor.tv_nsec - self.processor.tv_nsec);
        format!(
            "{:.1} ms, of which {}.{} ms on the processor",
            self.wall.elapsed().as_secs_f64() * 1000.0,
            nanoseconds / 1_000_000,
            nanoseconds / 100_000 % 10
        )
    }
}
