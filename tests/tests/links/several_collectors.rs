//! A sensor that knows two addresses, a collector behind each, and a centre whose database is on a server: whoever is
//! killed, everything arrives.

use anyhow::Result;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::postgresql::PostgreSql;

use crate::support::{Ends, PATIENCE};

#[test]
fn a_sensor_goes_to_the_collector_that_is_there() -> Result<()> {
    let below = tempfile::tempdir()?;
    let Some(server) = PostgreSql::start(below.path())? else {
        eprintln!("skipped: PostgreSQL is not installed (tools/setup)");
        return Ok(());
    };
    let findings = below.path().join("findings").display().to_string();
    let mut ends = Ends::strangers_of("", &["--store", server.address(), "--findings", &findings])?;
    ends.site
        .enrol(&ends.centre.voucher(crate::support::SENSOR)?)?;
    let mut first = ends.centre.collector_beside("first")?;
    let mut second = ends.centre.collector_beside("second")?;
    ends.site.set_uplink(&format!(
        "centres = [\"{}\", \"{}\"]\n",
        first.address(),
        second.address()
    ))?;
    let mut uplink = ends.site.start_uplink()?;
    ends.see_traffic(2)?;
    ends.everything_arrives(&mut uplink)?;

    // One is gone, then the other; what they acknowledged is there, and the one that is left takes the rest.
    first.kill()?;
    ends.see_traffic(2)?;
    ends.everything_arrives(&mut uplink)?;
    first.start()?;
    second.kill()?;
    ends.see_traffic(2)?;
    ends.everything_arrives(&mut uplink)?;

    // The server goes away in the middle: nobody acknowledges until it is back.
    second.start()?;
    server.kill()?;
    ends.see_traffic(10)?;
    wait_for("something to be on its way", PATIENCE, || {
        Ok((ends.site.outbox()?.sealed_records > 0).then_some(()))
    })?;
    server.start_again()?;
    ends.everything_arrives(&mut uplink)?;

    // Whoever loads goes, and comes back to what the collectors took meanwhile.
    ends.centre.kill()?;
    ends.see_traffic(2)?;
    wait_for("everything to be acknowledged", PATIENCE, || {
        uplink.must_run()?;
        let status = ends.site.outbox()?;
        Ok((status.queued_records + status.sealed_records == 0).then_some(()))
    })?;
    ends.centre.start()?;
    let account = ends.books_agree()?;
    anyhow::ensure!(account.batches_missing == 0, "{account:?}");
    Ok(())
}
