//! `lapwing-cirt backup` and `restore`: a copy of the database of one moment with its table of findings, and back.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use lapwing_cirt::output::line;
use lapwing_cirt::query::Scope;
use lapwing_cirt::settings::Settings;
use lapwing_cirt::store::{Location, Store};
use lapwing_lake::Place;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The copy; must not exist
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    data: Data,
    /// A copy that `backup` wrote; its folder of findings must lie beside it
    file: PathBuf,
}

/// Puts a copy into a data folder that has no database: a new one, or one of which only keys and settings were kept.
pub(crate) fn restore(arguments: &RestoreArguments) -> anyhow::Result<()> {
    let folder = arguments.data.folder();
    folder
        .create()
        .with_context(|| format!("cannot make {}", folder.root().display()))?;
    // A folder without settings is one to be: its database is a file.
    let (database, findings) = if folder.is_initialised() {
        let settings = Settings::load(&folder)?;
        (
            settings.database(&folder),
            settings.findings_place(&folder)?,
        )
    } else {
        let database = folder.database();
        let findings = Place::folder(&database.with_extension("lake"))?;
        (Location::File(database), findings)
    };
    if let Location::File(path) = &database
        && path.exists()
    {
        bail!("{database} exists: a copy goes where there is no database");
    }
    Store::restore(&arguments.file, &database, findings.clone())?;
    let store = Store::open_at(database.clone(), findings)?;
    store.record_audit(
        &actor(),
        "store.restore",
        &arguments.file.display().to_string(),
    )?;
    let findings = store.findings_total(Scope::Nation)?;
    Ok(line(&format!(
        "{database}: {findings} findings; sensors send again what this copy does not have, as far as they still hold it"
    ))?)
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    store.backup(&arguments.file)?;
    store.record_audit(
        &actor(),
        "store.backup",
        &arguments.file.display().to_string(),
    )?;
    line(&format!(
        "database copied to {}, findings to {}; copy {} as well: without the keys no batch can be read",
        arguments.file.display(),
        arguments.file.with_extension("lake").display(),
        folder.key("").display()
    ))?;
    Ok(())
}
