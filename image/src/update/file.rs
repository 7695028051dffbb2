//! `lapwing-image update pack`: what is published, as one file for a card or a stick.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use lapwing_init::update::{
    offer::{Notes, Part},
    update_file::UpdateFileWriter,
};

use super::repository::{Repository, path_of};
use crate::report;

/// What to pack.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    repository: PathBuf,
    /// Board that it is for, as uefi-x86_64
    #[arg(long)]
    board: String,
    /// Only differences: a small file, for boards that run one of the images that these start from
    #[arg(long)]
    differences: bool,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "lapwing.update")]
    output: PathBuf,
}

/// Packs it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let repository = Repository::new(&arguments.repository);
    let targets = repository.targets()?;
    let new = arguments.output.with_extension("new");
    let create = || format!("cannot write {}", arguments.output.display());
    let file = File::create(&new).with_context(create)?;
    let mut writer = UpdateFileWriter::new(BufWriter::new(file))?;
    let mut add = |name: &str, path: &Path| -> anyhow::Result<()> {
        let mut from =
            File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = from.metadata()?.len();
        Ok(writer.add(name, bytes, &mut from)?)
    };
    // All roots, so that a board follows from any of them; of the rest what is in force.
    let set = repository
        .in_force()?
        .context("there is no root in force")?;
    for version in 1..=set.root().header.version {
        let name = format!("{version}.root.json");
        add(&format!("metadata/{name}"), &repository.metadata(&name))?;
    }
    let snapshot = set.snapshot().context("nothing is published yet")?;
    let named = [
        format!("{}.snapshot.json", snapshot.header.version),
        format!("{}.targets.json", snapshot.file_of("targets")?.version),
        "timestamp.json".to_owned(),
    ];
    for name in named {
        add(&format!("metadata/{name}"), &repository.metadata(&name))?;
    }
    let of_board = targets.iter().filter_map(|(name, file)| {
        let notes = Notes::of(file).filter(|notes| notes.board == arguments.board)?;
        Some((name, file, notes))
    });
    let of_board: Vec<_> = of_board.collect();
    if of_board.is_empty() {
        bail!("nothing is published for {}", arguments.board);
    }
    let has_differences = of_board.iter().any(|(_, _, notes)| notes.from.is_some());
    if arguments.differences && !has_differences {
        bail!("there are no differences: add the image with --from");
    }
    for (name, file, notes) in &of_board {
        // A part without a difference is the same in all images that there are differences from; but for the entry, which is small.
        if arguments.differences && notes.from.is_none() && notes.part != Part::Entry {
            continue;
        }
        let path = path_of(name, file);
        add(&format!("targets/{path}"), &repository.target(&path))?;
    }
    let mut to = writer.into_inner();
    to.flush()?;
    to.get_ref().sync_all()?;
    fs::rename(&new, &arguments.output).with_context(create)?;
    report(format_args!(
        "{} {} bytes: copy it onto the card's first partition or onto a stick, as lapwing.update",
        arguments.output.display(),
        arguments.output.metadata()?.len()
    ))
}
