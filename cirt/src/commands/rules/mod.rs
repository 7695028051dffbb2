//! `lapwing-cirt rules`: what rules say, and how packs of them are signed and shipped.

mod import;
mod publish;
mod root;
mod rule_files;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lapwing_cirt::rule_repository::RuleRepository;

use super::Data;
use rule_files::RuleFiles;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: RulesCommand,
}

/// Where the repository is.
#[derive(Args)]
struct Repository {
    /// Folder of the repository, where it is not `rules/repository` in the centre's data
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
}

impl Repository {
    fn open(&self, data: &Data) -> RuleRepository {
        RuleRepository::new(&data.folder(), self.repository.as_deref())
    }
}

#[derive(Subcommand)]
enum RulesCommand {
    /// Read rule files, so that pages can name what fired; a rule that is known by gid, sid and rev is replaced
    Import(RuleFiles),
    /// Make a key for the root: on any machine, best on one that is never online
    Keygen {
        /// File for the private key; the public key is written beside it, with the ending .pub
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make a repository: the root, with keys made here or elsewhere, and the keys of this centre
    Init(root::InitArguments),
    /// Add a signature to a root in the making, where the key is kept; needs no centre
    SignRoot {
        /// Private key of the root; may be given several times
        #[arg(long, required = true, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The draft
        draft: PathBuf,
    },
    /// Put a root in force that enough have signed
    AcceptRoot {
        #[command(flatten)]
        repository: Repository,
        /// The draft
        draft: PathBuf,
    },
    /// Make the next root: other keys, new keys for this centre, or only a later end
    Rotate(root::RotateArguments),
    /// Compile rules, sign the pack and the deltas to it, and let sensors see them
    Publish {
        #[command(flatten)]
        repository: Repository,
        #[command(flatten)]
        files: RuleFiles,
    },
    /// Sign again that what is published is the newest, before the last signature ends
    Refresh {
        #[command(flatten)]
        repository: Repository,
        /// Days for which it holds
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(lapwing_cirt::limits::RULE_DAYS_MAX)))]
        days: Option<u32>,
    },
    /// Say what is published, by whom and until when
    Status {
        #[command(flatten)]
        repository: Repository,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let data = &arguments.data;
    match &arguments.command {
        RulesCommand::Import(files) => import::run(data, files),
        RulesCommand::Keygen { out } => root::keygen(out),
        RulesCommand::Init(arguments) => root::init(data, arguments),
        RulesCommand::SignRoot { key, draft } => root::sign(key, draft),
        RulesCommand::AcceptRoot { repository, draft } => {
            root::accept(data, &repository.open(data), draft)
        }
        RulesCommand::Rotate(arguments) => root::rotate(data, arguments),
        RulesCommand::Publish { repository, files } => {
            publish::run(data, &repository.open(data), files)
        }
        RulesCommand::Refresh { repository, days } => {
            publish::refresh(data, &repository.open(data), *days)
        }
        RulesCommand::Status { repository, json } => status::run(&repository.open(data), *json),
    }
}
