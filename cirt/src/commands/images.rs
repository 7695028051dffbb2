//! `lapwing-cirt images`: new images for the boards of sensors. They are made and signed by `lapwing-image update`, where the keys are;
//! here they are checked and given to sensors that ask.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::image_repository;
use lapwing_cirt::output::line;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: ImagesCommand,
}

#[derive(Subcommand)]
enum ImagesCommand {
    /// Check a signed repository of images and give it to sensors
    Publish {
        /// Folder that `lapwing-image update` made
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let ImagesCommand::Publish { from } = &arguments.command;
    let (folder, _, store) = arguments.data.open()?;
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    // Before anybody sees it: what is seen has a line in the audit trail, whatever happens.
    store.record_audit(&actor(), "images.publish", &from.display().to_string())?;
    let published = image_repository::publish(&folder, from, now)?;
    for (name, bytes) in &published.targets {
        line(&format!("{name}  {bytes} bytes"))?;
    }
    Ok(line(&format!(
        "published, timestamp {}, until {}",
        published.version, published.ends
    ))?)
}
