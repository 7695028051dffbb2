//! `lapwing rules`: check, compile and explain rules.

mod check;
mod coverage;
mod diff;
mod explain;
mod fmt;
mod help;
mod indicators;
mod inspect;
mod keywords;
mod new_file;
mod repository;
mod shipping;
mod sources;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use lapwing_rules::{Compiled, Diagnostic, Level};

use sources::RuleFiles;

/// What to do with which rules.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
enum Task {
    /// Say what is wrong with rule files
    Check {
        #[command(flatten)]
        files: RuleFiles,
        #[command(flatten)]
        shown: check::Shown,
    },
    /// Compile rule files into a pack
    Compile {
        #[command(flatten)]
        files: RuleFiles,
        /// Where to write the pack
        #[arg(long, value_name = "PACK")]
        output: PathBuf,
        /// Where to write the canonical pack, the form that is signed, sent and updated by deltas
        #[arg(long, value_name = "CANONICAL")]
        canonical: Option<PathBuf>,
        /// Keep the text of each rule in the pack
        #[arg(long)]
        keep_texts: bool,
    },
    /// Write what leads from one canonical pack to another
    Delta(shipping::DeltaArguments),
    /// Make the new canonical pack from the old one and a delta
    Apply(shipping::ApplyArguments),
    /// Make the pack that a sensor maps from a canonical pack
    Derive(shipping::DeriveArguments),
    /// Say whether a repository of rules, as on a stick, would be taken; changes nothing
    Verify(repository::VerifyArguments),
    /// Take the newest rules from a repository: check, bring here by a delta or as a whole, derive, replace
    Update(repository::UpdateArguments),
    /// Say what a pack holds, and how long its digest and opening it take
    Inspect(inspect::Arguments),
    /// Say how many rules run in full, and why the others do not
    Coverage {
        #[command(flatten)]
        files: RuleFiles,
        /// Name every rule that does not run
        #[arg(long)]
        all: bool,
    },
    /// Show how one rule is understood
    Explain {
        /// The rule's number
        sid: u32,
        #[command(flatten)]
        files: RuleFiles,
    },
    /// Lay rule files out in one canonical way, without changing a rule
    Fmt(fmt::Arguments),
    /// Name the rules that two sets have differently, and what of them
    Diff(diff::Arguments),
    /// Explain a remark of `check` by its code; without a code, list them all
    Help {
        /// The code, as `no-prefilter`
        code: Option<String>,
    },
    /// Tell what a keyword does and whether it runs; without a name, list them all
    Keywords {
        /// The keyword, as `http.uri`
        name: Option<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// For people: each remark with the line it is about
    Text,
    /// One JSON object a line
    Json,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    let code = match arguments.task {
        Task::Check { files, shown } => check::run(&mut out, &files, &shown),
        Task::Compile {
            files,
            output,
            canonical,
            keep_texts,
        } => {
            let compiled = files.compile(keep_texts)?;
            compile(&mut out, &compiled, &output, canonical.as_deref())
        }
        Task::Delta(arguments) => shipping::delta(&mut out, &arguments),
        Task::Apply(arguments) => shipping::apply(&mut out, &arguments),
        Task::Inspect(arguments) => inspect::run(&mut out, &arguments),
        Task::Derive(arguments) => shipping::derive_pack(&mut out, &arguments),
        Task::Verify(arguments) => repository::verify(&mut out, &arguments),
        Task::Update(arguments) => repository::update(&mut out, &arguments),
        Task::Coverage { files, all } => coverage::run(&mut out, &files.compile(false)?, all),
        Task::Explain { sid, files } => explain::run(&mut out, &files, sid),
        Task::Fmt(arguments) => fmt::run(&mut out, &arguments),
        Task::Diff(arguments) => diff::run(&mut out, &arguments),
        Task::Help { code } => help::run(&mut out, code.as_deref()),
        Task::Keywords { name } => keywords::run(&mut out, name.as_deref()),
    }?;
    out.flush()?;
    Ok(code)
}

/// Failure if anything was refused.
fn status(compiled: &Compiled) -> ExitCode {
    let is_error = |diagnostic: &Diagnostic| diagnostic.level == Level::Error;
    if compiled.diagnostics.iter().any(is_error) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn compile(
    out: &mut impl Write,
    compiled: &Compiled,
    path: &Path,
    canonical: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let errors = |diagnostic: &&Diagnostic| diagnostic.level == Level::Error;
    for diagnostic in compiled.diagnostics.iter().filter(errors) {
        writeln!(out, "{diagnostic}")?;
    }
    new_file::replace_by(path, &compiled.pack)?;
    let pack = lapwing_rules::pack::Pack::open(path)?;
    writeln!(out, "{}", summary(compiled))?;
    writeln!(
        out,
        "{}: {} bytes, digest {}",
        path.display(),
        pack.length_bytes(),
        hex::encode(pack.digest())
    )?;
    if let Some(path) = canonical {
        new_file::replace_by(path, &compiled.canonical)?;
        shipping::say_digest(out, path)?;
    }
    Ok(status(compiled))
}

/// One line of counts.
fn summary(compiled: &Compiled) -> String {
    let counts = compiled.counts;
    let warnings = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Warning)
        .count();
    let indicators = match (counts.indicators, counts.repeated_indicators) {
        (0, _) => String::new(),
        (count, 0) => format!(", {count} indicators"),
        (count, repeated) => format!(
            ", {count} indicators ({repeated} lines name one that another line names too: the gravest is kept)"
        ),
    };
    format!(
        "{} rules run, {} are not supported, {} were refused, {} are switched off, {} were replaced by newer revisions, {warnings} warnings{indicators}",
        counts.compiled, counts.unsupported, counts.refused, counts.disabled, counts.replaced
    )
}
