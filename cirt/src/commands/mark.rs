//! `lapwing-cirt mark`: how far one finding may travel.

use clap::Args;
use lapwing_cirt::exchange::Tlp;
use lapwing_cirt::output::line;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The finding, by its id
    finding: String,
    /// clear, green, amber, amber+strict or red
    label: Tlp,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    store.mark(&actor(), &arguments.finding, arguments.label)?;
    line(&format!(
        "{} is {}; what was published under a less strict label is taken back",
        arguments.finding,
        arguments.label.label()
    ))?;
    Ok(())
}
