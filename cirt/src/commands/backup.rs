//! `lapwing-cirt backup`: a copy of the database of one moment.

use std::path::PathBuf;

use clap::Args;
use lapwing_cirt::output::line;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The copy; must not exist
    file: PathBuf,
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
        "database copied to {}; copy {} as well: without the keys no batch can be read",
        arguments.file.display(),
        folder.key("").display()
    ))?;
    Ok(())
}
