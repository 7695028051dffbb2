//! Two centres behind one address, as after a move, a mistake in a router or a restored copy that was started beside the original.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use lapwing_tests::bad_link::BadLink;
use lapwing_tests::centre::{Account, Books, Centre};
use lapwing_tests::conditions::wait_for;

use crate::support::{Ends, PATIENCE, SENSOR};

/// What the uplink last found wrong with the link.
fn failure(ends: &Ends) -> Result<String> {
    let text = std::fs::read_to_string(ends.site.state().join("identity/link.json"))?;
    let link: serde_json::Value = serde_json::from_str(&text)?;
    Ok(link["failure"].as_str().unwrap_or_default().to_owned())
}

fn waiting(ends: &Ends) -> Result<u64> {
    let status = ends.site.outbox()?;
    Ok(status.queued_records + status.sealed_records)
}

/// A centre with keys of its own gets nothing: what is acknowledged is what the centre of the enrolment has.
#[test]
fn a_foreign_centre_behind_the_same_address_is_told_nothing() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let elsewhere = tempfile::tempdir()?;
    let mut foreign = Centre::init(elsewhere.path())?;
    foreign.start()?;
    // It even waits for a sensor of that name.
    foreign.voucher(SENSOR)?;
    let link = BadLink::to(ends.centre.collector()?)?;
    ends.site
        .set_uplink(&format!("centres = [\"{}\"]\n", link.address()))?;
    let mut uplink = ends.site.start_uplink()?;
    for _ in 0..3 {
        link.lead_to(foreign.collector()?);
        link.cut();
        let before = link.connections();
        ends.see_traffic(2)?;
        wait_for("the foreign centre to be turned to", PATIENCE, || {
            uplink.must_run()?;
            // The second contact was begun when the first had come to nothing.
            Ok((link.connections() >= before + 2).then_some(()))
        })?;
        anyhow::ensure!(waiting(&ends)? > 0, "somebody acknowledged");
        anyhow::ensure!(
            failure(&ends)?.contains("another centre answers here"),
            "{}",
            failure(&ends)?
        );
        link.lead_to(ends.centre.collector()?);
        ends.everything_arrives(&mut uplink)?;
    }
    anyhow::ensure!(foreign.books(SENSOR)? == Books::default());
    anyhow::ensure!(foreign.findings()?.is_empty());
    Ok(())
}

/// A copy of the centre has its keys, so either is the sensor's centre. Each has what it acknowledged, nothing is at both, and each
/// shows what went to the other as not here.
#[test]
fn two_copies_of_one_centre_share_what_arrives_and_each_shows_what_it_lacks() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    ends.site
        .set_uplink(&format!("centres = [\"{}\"]\n", link.address()))?;
    let mut uplink = ends.site.start_uplink()?;
    ends.see_traffic(1)?;
    let common = ends.everything_arrives(&mut uplink)?;
    let common_findings = names(&ends.centre)?;

    ends.centre.kill()?;
    let elsewhere = tempfile::tempdir()?;
    let mut copy = ends.centre.copied_to(&elsewhere.path().join("copy"))?;
    ends.centre.start()?;
    copy.start()?;
    for round in 0..4 {
        let to = if round % 2 == 0 { &copy } else { &ends.centre };
        link.lead_to(to.collector()?);
        link.cut();
        ends.see_traffic(2)?;
        wait_for("everything to be acknowledged", PATIENCE, || {
            uplink.must_run()?;
            Ok((waiting(&ends)? == 0).then_some(()))
        })?;
    }

    let status = ends.site.outbox()?;
    let sorted = |centre: &Centre| -> Result<Account> { centre.account(SENSOR) };
    let accounts = wait_for("both to have sorted what they have", PATIENCE, || {
        let both = [sorted(&ends.centre)?, sorted(&copy)?];
        let stored = both[0].stored + both[1].stored;
        Ok((stored >= status.acknowledged_records + common.stored).then_some(both))
    })?;
    let [original, other] = &accounts;
    // What was acknowledged is at exactly one of the two, but for what was there when the copy was made.
    anyhow::ensure!(
        original.stored + other.stored == status.acknowledged_records + common.stored,
        "{accounts:?}"
    );
    for account in &accounts {
        anyhow::ensure!(account.doubled == 0, "{account:?}");
        anyhow::ensure!(
            account.produced
                == account.stored
                    + account.suppressed
                    + account.held
                    + account.evicted
                    + account.in_flight
                    + account.gone,
            "{account:?}"
        );
    }
    // The original took the last round, so it knows of all that was produced, and how much of it the copy has.
    anyhow::ensure!(
        original.in_flight + original.gone == other.stored - common.stored,
        "{accounts:?}"
    );
    anyhow::ensure!(other.in_flight + other.gone > 0, "{other:?}");

    let [at_original, at_copy] = [names(&ends.centre)?, names(&copy)?];
    let at_both: BTreeSet<_> = at_original.intersection(&at_copy).cloned().collect();
    anyhow::ensure!(at_both == common_findings, "a finding is at both");
    let produced = ends.site.outbox()?.produced_records;
    anyhow::ensure!(status.acknowledged_records == produced, "{status:?}");
    Ok(())
}

fn names(centre: &Centre) -> Result<BTreeSet<String>> {
    let findings = centre.findings().context("the findings of a centre")?;
    Ok(findings.into_iter().map(|finding| finding.id).collect())
}
