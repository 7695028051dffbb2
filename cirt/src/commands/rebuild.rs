//! `lapwing-cirt rebuild`: findings are derived; this makes them again.

use clap::Args;
use lapwing_cirt::enrolment::load_sealing_key;
use lapwing_cirt::loader::Loader;
use lapwing_cirt::output::line;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    let loader = Loader::new(load_sealing_key(&folder)?);
    store.reset_derived(&actor())?;
    let totals = loader.run(&store)?;
    line(&format!(
        "rebuilt from {} batches: {} records stored, {} came again, {} batches unreadable",
        totals.batches, totals.records, totals.repeated, totals.unreadable
    ))?;
    Ok(())
}
