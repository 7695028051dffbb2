//! A site and its centre for these tests: enrolled, with findings of made traffic in the outbox.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use lapwing_tests::centre::{Account, Centre};
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::Process;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};

pub(crate) const SENSOR: &str = "links";
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;
const ROUND_SECONDS: u64 = 600;

/// Both ends.
pub(crate) struct Ends {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) centre: Centre,
    pub(crate) site: Site,
    runs: u64,
}

impl Ends {
    /// A running centre, and a site that is not enrolled yet.
    pub(crate) fn strangers(begin: &str) -> Result<Self> {
        Self::strangers_of(begin, &[])
    }

    /// The same with a centre that is made with more arguments.
    pub(crate) fn strangers_of(begin: &str, centre: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let site = Site::prepare_with(folder.path(), SENSOR, begin, "")?;
        site.compile_rules()?;
        site.sign_policy()?;
        let mut centre = Centre::init_with(folder.path(), centre)?;
        centre.start()?;
        Ok(Self {
            folder,
            centre,
            site,
            runs: 0,
        })
    }

    /// The same, enrolled.
    pub(crate) fn enrolled(begin: &str) -> Result<Self> {
        let ends = Self::strangers(begin)?;
        ends.site.enrol(&ends.centre.voucher(SENSOR)?)?;
        Ok(ends)
    }

    /// Lets the sensor see some traffic that it did not see before; its findings are in the outbox then.
    pub(crate) fn see_traffic(&mut self, rounds: u32) -> Result<()> {
        let capture = self.traffic(rounds)?;
        self.site.run_sensor(&capture)
    }

    /// Traffic of hours that no earlier traffic had.
    pub(crate) fn traffic(&mut self, rounds: u32) -> Result<PathBuf> {
        let mut trace = demo::make(self.runs, Part::Incidents);
        trace.repeat(rounds, ROUND_SECONDS * NANOSECONDS_A_SECOND);
        trace.shift(self.runs * ROUND_SECONDS * 30 * NANOSECONDS_A_SECOND);
        self.runs += 1;
        let path = self.folder.path().join("input.pcap");
        write_capture(&trace, &path)?;
        Ok(path)
    }

    /// Waits until everything is acknowledged, and holds the books of both ends against each other.
    pub(crate) fn everything_arrives(&self, uplink: &mut Process) -> Result<Account> {
        wait_for("everything to be acknowledged", PATIENCE, || {
            uplink.must_run()?;
            let status = self.site.outbox()?;
            Ok((status.queued_records + status.sealed_records == 0).then_some(()))
        })?;
        self.books_agree()
    }

    /// The books of both ends, once the centre has sorted what it has.
    pub(crate) fn books_agree(&self) -> Result<Account> {
        let status = self.site.outbox()?;
        let account = wait_for("the centre to have sorted what it has", PATIENCE, || {
            let account = self.centre.account(SENSOR)?;
            Ok((account.stored + account.evicted >= status.produced_records).then_some(account))
        })?;
        anyhow::ensure!(
            (account.stored, account.evicted, account.suppressed)
                == (
                    status.acknowledged_records,
                    status.evicted_records,
                    status.account.suppressed_findings
                )
                && (
                    account.held,
                    account.in_flight,
                    account.gone,
                    account.doubled
                ) == (0, 0, 0, 0)
                && account.produced == status.produced_records + account.suppressed,
            "the sensor says {status:?}, the centre {account:?}"
        );
        Ok(account)
    }
}

pub(crate) fn write_capture(
    trace: &lapwing_tests::traffic::trace::Trace,
    path: &Path,
) -> Result<()> {
    // A new file, for a killed sensor's successor must not see the old one change.
    drop(fs::remove_file(path));
    let mut writer = BufWriter::new(File::create(path)?);
    capture_file::write(trace, FileFormat::Pcap, &mut writer)?;
    writer.flush()?;
    Ok(())
}
