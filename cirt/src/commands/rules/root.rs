//! `lapwing-cirt rules keygen`, `init`, `sign-root`, `accept-root` and `rotate`: who may sign rules.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};
use lapwing_cirt::limits::{RULE_DAYS_MAX, RULE_ROOT_DAYS};
use lapwing_cirt::output::line;
use lapwing_cirt::rule_repository::{
    RootChange, RootDraft, RuleRepository, RuleRepositoryError, generate_key, read_private_key,
    read_public_key,
};
use lapwing_cirt::store::Store;
use lapwing_trust::tuf::TopRole;

use super::Repository;
use crate::commands::{Data, actor};

#[derive(Args)]
pub(super) struct InitArguments {
    #[command(flatten)]
    repository: Repository,
    /// Public key of the root that was made elsewhere; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "new_root_key")]
    root_key: Vec<PathBuf>,
    /// Make a key of the root here, into this file, best on a stick that is then locked away; may be given several times
    #[arg(long, value_name = "FILE")]
    new_root_key: Vec<PathBuf>,
    /// How many keys of the root must sign it; a majority unless told otherwise
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<usize>,
    #[command(flatten)]
    end: End,
}

#[derive(Args)]
pub(super) struct RotateArguments {
    #[command(flatten)]
    repository: Repository,
    /// Role that gets a new key in this centre; may be given several times
    #[arg(long, value_enum)]
    role: Vec<OnlineRole>,
    /// Public key that may sign roots from now on; may be given several times
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// Id of a key that may no longer sign roots, as `status --json` shows it; may be given several times
    #[arg(long, value_name = "KEY-ID")]
    remove: Vec<String>,
    /// How many keys of the root must sign it
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<usize>,
    /// Private key of the root, when it is at hand; may be given several times
    #[arg(long, value_name = "FILE")]
    sign_with: Vec<PathBuf>,
    #[command(flatten)]
    end: End,
}

#[derive(Args)]
struct End {
    /// Days after which the root ends
    #[arg(long, value_name = "DAYS", default_value_t = RULE_ROOT_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(RULE_DAYS_MAX)))]
    root_days: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnlineRole {
    Timestamp,
    Snapshot,
    Targets,
}

pub(super) fn keygen(out: &Path) -> anyhow::Result<()> {
    let key = generate_key(out)?;
    line(&format!(
        "private key {}: keep it offline, and a copy of it elsewhere",
        out.display()
    ))?;
    line(&format!(
        "public key  {}: for `lapwing-cirt rules init` and `rotate`",
        out.with_extension("pub").display()
    ))?;
    Ok(line(&format!("key id      {}", key.id()))?)
}

pub(super) fn init(data: &Data, arguments: &InitArguments) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    let repository = arguments.repository.open(data);
    if repository.root().is_ok() {
        return Err(RuleRepositoryError::AlreadyThere(repository.folder().to_owned()).into());
    }
    let mut change = RootChange {
        threshold: arguments.threshold,
        days: arguments.end.root_days,
        ..RootChange::default()
    };
    for path in &arguments.root_key {
        change.add.push(read_public_key(path)?);
    }
    for path in &arguments.new_root_key {
        change.add.push(generate_key(path)?);
        line(&format!(
            "private key {}: lock it away from this machine",
            path.display()
        ))?;
    }
    let draft = repository.draft_root(&change, true)?;
    sign_and_accept(&store, &repository, draft, &arguments.new_root_key)
}

pub(super) fn rotate(data: &Data, arguments: &RotateArguments) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    let repository = arguments.repository.open(data);
    let mut change = RootChange {
        remove: arguments.remove.clone(),
        threshold: arguments.threshold,
        days: arguments.end.root_days,
        ..RootChange::default()
    };
    for path in &arguments.add {
        change.add.push(read_public_key(path)?);
    }
    change
        .renew
        .extend(arguments.role.iter().map(|role| match role {
            OnlineRole::Timestamp => TopRole::Timestamp,
            OnlineRole::Snapshot => TopRole::Snapshot,
            OnlineRole::Targets => TopRole::Targets,
        }));
    let draft = repository.draft_root(&change, false)?;
    sign_and_accept(&store, &repository, draft, &arguments.sign_with)
}

/// Signs a draft with what is at hand; puts it in force if that is enough, else says what is to be done.
fn sign_and_accept(
    store: &Store,
    repository: &RuleRepository,
    mut draft: RootDraft,
    keys: &[PathBuf],
) -> anyhow::Result<()> {
    for path in keys {
        draft.sign(&read_private_key(path)?)?;
    }
    let path = repository.draft_path();
    draft.write(&path)?;
    if repository.may_accept(&draft)? {
        return put_in_force(store, repository, &draft);
    }
    let signatures = draft.signatures()?;
    line(&format!(
        "root {} is drafted in {}, signed by {} of the {} keys it needs",
        draft.root().header.version,
        path.display(),
        signatures.valid,
        signatures.needed
    ))?;
    line("next: carry it to each key, `lapwing-cirt rules sign-root --key KEY DRAFT`,")?;
    Ok(line(
        "      and back: `lapwing-cirt rules accept-root DRAFT`",
    )?)
}

pub(super) fn sign(keys: &[PathBuf], path: &Path) -> anyhow::Result<()> {
    let mut draft = RootDraft::read(path)?;
    tell(&draft)?;
    for key in keys {
        draft.sign(&read_private_key(key)?)?;
    }
    draft.write(path)?;
    let signatures = draft.signatures()?;
    Ok(line(&format!(
        "signed: {} of the {} keys it needs",
        signatures.valid, signatures.needed
    ))?)
}

pub(super) fn accept(data: &Data, repository: &RuleRepository, path: &Path) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    let draft = RootDraft::read(path)?;
    if !repository.may_accept(&draft)? {
        let signatures = draft.signatures()?;
        bail!(
            "{} is signed by {} of the {} keys it needs, and by too few of the root before it or its own",
            path.display(),
            signatures.valid,
            signatures.needed
        );
    }
    put_in_force(&store, repository, &draft)
}

fn put_in_force(
    store: &Store,
    repository: &RuleRepository,
    draft: &RootDraft,
) -> anyhow::Result<()> {
    let version = draft.root().header.version;
    store.record_audit(&actor(), "rules.root", &format!("version {version}"))?;
    repository.accept_root(draft)?;
    line(&format!(
        "root {version} is in force in {}",
        repository.folder().display()
    ))?;
    tell(draft)?;
    if version == 1 {
        line(&format!(
            "SHA-256 {}",
            hex::encode(repository.first_root_digest()?)
        ))?;
        line("hand metadata/1.root.json to every ISP, and this SHA-256 by another way")?;
    }
    Ok(())
}

/// Says in words what a root allows, for the eyes of those who sign it.
fn tell(draft: &RootDraft) -> anyhow::Result<()> {
    let root = draft.root();
    line(&format!(
        "root {}, made {}, ends {}",
        root.header.version,
        root.header
            .issued
            .map_or_else(String::new, |issued| issued.to_string()),
        root.header.expires
    ))?;
    for role in TopRole::ALL {
        let keys = root.role(role)?;
        let ids: Vec<String> = keys
            .key_ids()
            .map(|id| id.to_string().chars().take(16).collect())
            .collect();
        line(&format!(
            "  {:<10} {} of {}: {}",
            role.name(),
            keys.threshold(),
            ids.len(),
            ids.join(" ")
        ))?;
    }
    Ok(())
}
