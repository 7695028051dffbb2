//! `lapwing-cirt courier`: a stick in the place of a link.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use lapwing_cirt::courier::Courier;
use lapwing_cirt::enrolment::{CertificateAuthority, EnrolmentDesk, load_sealing_key};
use lapwing_cirt::loader::Loader;
use lapwing_cirt::output::line;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Folder of the stick: what sensors sent is taken, and acks, approvals, certificates, revocations, orders and rules
    /// are written beside it
    stick: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    let authority = CertificateAuthority::load(&folder)?;
    let sealing_key = load_sealing_key(&folder)?;
    let desk = EnrolmentDesk::new(Arc::new(authority), sealing_key.public_key()?);
    let courier = Courier {
        folder: &folder,
        store: &store,
        desk: &desk,
    };
    let report = courier.exchange(&arguments.stick)?;
    // What a running centre would do by itself.
    Loader::new(sealing_key).run(&store)?;
    store.record_audit(
        &actor(),
        "courier.exchange",
        &arguments.stick.display().to_string(),
    )?;
    for (sensor, batches) in &report.stored {
        line(&format!("{sensor}: {batches} batches stored"))?;
    }
    if report.known > 0 {
        line(&format!("{} batches were here already", report.known))?;
    }
    for (who, decided) in &report.requests {
        line(&format!("{who}: {decided}"))?;
    }
    line(&format!(
        "{} answers and {} files of the rule repository written",
        report.answers, report.rule_files
    ))?;
    for (file, reason) in &report.unused {
        line(&format!("not used: {file}: {reason}"))?;
    }
    Ok(())
}
