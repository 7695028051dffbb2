//! `lapwing-image update`: updates of images, signed, as a repository for the centre and as one file for a card or a stick.
//!
//! ```text
//! DIR/metadata/1.root.json ...            who may sign what
//! DIR/metadata/timestamp.json, N.*.json   what is in force
//! DIR/targets/BOARD/VERSION/<sha256>.PART parts of images, and differences from earlier ones
//! DIR/drafts/                             what waits for signatures; nobody is given this
//! ```
//!
//! The format and the semantics are those of The Update Framework, as for rules, with keys of its own: who signs rules signs no
//! programs. Each role may have several keys, of which so many must sign; `sign` is run by each keeper where the key is.

mod add;
mod file;
mod keys;
mod repository;

use std::path::PathBuf;

use anyhow::Context;
use lapwing_trust::tuf::TopRole;

use self::repository::{Repository, RoleChange};
use crate::report;

/// Days for which a root holds.
const ROOT_DAYS: u32 = 3650;
/// Days for which what is published holds: a stick may lie for a while.
const DAYS: u32 = 400;

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a key
    Keygen {
        /// File for the private key; the public key is written beside it, with the ending .pub
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Draft the root of trust: whose keys may sign what; on a repository that has one, the next root
    Root {
        /// Folder of the repository
        #[arg(long, value_name = "DIR")]
        repository: PathBuf,
        /// Public key that may sign roots; may be given several times
        #[arg(long, required = true, value_name = "FILE")]
        root_key: Vec<PathBuf>,
        /// How many of them must sign; a majority when not given
        #[arg(long)]
        root_threshold: Option<usize>,
        /// Public key that may sign images; may be given several times
        #[arg(long, required = true, value_name = "FILE")]
        image_key: Vec<PathBuf>,
        /// How many of them must sign; a majority when not given
        #[arg(long)]
        image_threshold: Option<usize>,
        /// Public key that may say what is the newest; may be given several times, one must sign
        #[arg(long, required = true, value_name = "FILE")]
        newest_key: Vec<PathBuf>,
        /// Days for which it holds
        #[arg(long, default_value_t = ROOT_DAYS)]
        days: u32,
    },
    /// Add an image, and differences to it from earlier ones; a draft until enough have signed
    Add(add::Arguments),
    /// Draft anew that what is published is the newest, before the last signature ends
    Renew {
        /// Folder of the repository
        #[arg(long, value_name = "DIR")]
        repository: PathBuf,
        /// Days for which it holds
        #[arg(long, default_value_t = DAYS)]
        days: u32,
    },
    /// Sign all drafts that a key may sign; what enough have signed comes into force
    Sign {
        /// Folder of the repository
        #[arg(long, value_name = "DIR")]
        repository: PathBuf,
        /// Private key; may be given several times
        #[arg(long, required = true, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// Days for which snapshot and timestamp hold that are made on the way
        #[arg(long, default_value_t = DAYS)]
        days: u32,
    },
    /// Write what is published for a board as one file, `lapwing.update`, for a card or a stick
    Pack(file::Arguments),
}

/// Does it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Keygen { out } => {
            let public = keys::generate(out)?;
            report(format_args!("{} {public}", out.display()))
        }
        Command::Root {
            repository,
            root_key,
            root_threshold,
            image_key,
            image_threshold,
            newest_key,
            days,
        } => {
            let roles = [
                (TopRole::Root, root_key, *root_threshold),
                (TopRole::Targets, image_key, *image_threshold),
                (TopRole::Snapshot, newest_key, Some(1)),
                (TopRole::Timestamp, newest_key, Some(1)),
            ];
            let roles = roles.into_iter().map(|(role, paths, threshold)| {
                let keys: Vec<_> = paths
                    .iter()
                    .map(|path| keys::read_public(path))
                    .collect::<anyhow::Result<_>>()?;
                Ok(RoleChange {
                    role,
                    threshold: threshold.unwrap_or(keys.len() / 2 + 1),
                    keys,
                })
            });
            let roles: Vec<_> = roles.collect::<anyhow::Result<_>>()?;
            Repository::new(repository).draft_root(&roles, *days)?;
            report(format_args!(
                "the root is drafted: each keeper of a root key runs `lapwing-image update sign --repository {} --key FILE`",
                repository.display()
            ))
        }
        Command::Add(arguments) => add::run(arguments),
        Command::Renew { repository, days } => {
            Repository::new(repository).draft_timestamp(*days)?;
            report(format_args!("the timestamp is drafted: sign it"))
        }
        Command::Sign {
            repository,
            key,
            days,
        } => {
            let repository = Repository::new(repository);
            for path in key {
                let key = keys::read_private(path)?;
                for line in repository
                    .sign(&key, *days)
                    .with_context(|| format!("with {}", path.display()))?
                {
                    report(format_args!("{line}"))?;
                }
            }
            Ok(())
        }
        Command::Pack(arguments) => file::run(arguments),
    }
}
