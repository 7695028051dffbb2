//! Links that delay, crawl, cut, swallow and lie, and proxies that stand in between.

use std::time::Duration;

use anyhow::Result;
use lapwing_tests::bad_link::{BadLink, Weather};
use lapwing_tests::conditions::wait_for;
use lapwing_tests::proxies::{PASSWORD, Proxy, USER};

use crate::support::{Ends, PATIENCE};

fn over(ends: &Ends, link: &BadLink) -> Result<()> {
    ends.site
        .set_uplink(&format!("centres = [\"{}\"]\n", link.address()))
}

#[test]
fn six_hundred_milliseconds_there_and_back_are_only_slow() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    link.weather(Weather {
        delay: Duration::from_millis(300),
        ..Weather::default()
    });
    over(&ends, &link)?;
    ends.see_traffic(2)?;
    ends.everything_arrives(&mut ends.site.start_uplink()?)?;
    Ok(())
}

#[test]
fn three_hundred_bytes_a_second_are_enough() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    // 2.4 kbit/s: a handshake takes half a minute, and it is the only one.
    link.weather(Weather {
        delay: Duration::from_millis(300),
        bytes_a_second: 300,
        ..Weather::default()
    });
    ends.site.set_uplink(&format!(
        "centres = [\"{}\"]\nkey_exchange = \"x25519\"\ncompression = \"smallest\"\n",
        link.address()
    ))?;
    ends.see_traffic(1)?;
    ends.everything_arrives(&mut ends.site.start_uplink()?)?;
    assert_eq!(link.connections(), 1, "nobody lost patience");
    Ok(())
}

#[test]
fn a_link_that_is_cut_again_and_again_gets_everything_through() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    over(&ends, &link)?;
    ends.see_traffic(20)?;
    // In the handshake, in the hello, in the first envelope, in a later one.
    let mut uplink = ends.site.start_uplink()?;
    for after in [0, 100, 1_000, 2_200, 2_600, 3_500, 5_000] {
        let before = link.connections();
        link.cut_after(after);
        link.cut();
        wait_for("the uplink to come back", PATIENCE, || {
            uplink.must_run()?;
            Ok((link.connections() > before).then_some(()))
        })?;
    }
    ends.everything_arrives(&mut uplink)?;
    Ok(())
}

#[test]
fn black_holes_captive_portals_and_closed_ports_are_passed_by() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let to = ends.centre.collector()?;
    let (captive, closed, good) = (BadLink::to(to)?, BadLink::to(to)?, BadLink::to(to)?);
    captive.weather(Weather {
        is_captive: true,
        ..Weather::default()
    });
    closed.weather(Weather {
        is_closed: true,
        ..Weather::default()
    });
    // A name that resolves to nothing, and one that resolves to something else than the centre.
    ends.site.set_uplink(&format!(
        "centres = [\"no-such-name.invalid:7400\", \"{}\", \"{}\", \"localhost:9\", \"{}\"]\n",
        captive.address(),
        closed.address(),
        good.address()
    ))?;
    ends.see_traffic(1)?;
    ends.everything_arrives(&mut ends.site.start_uplink()?)?;
    assert!(captive.connections() > 0 && closed.connections() > 0);
    Ok(())
}

#[test]
fn a_stall_in_the_middle_is_waited_out() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let link = BadLink::to(ends.centre.collector()?)?;
    over(&ends, &link)?;
    ends.see_traffic(1)?;
    let mut uplink = ends.site.start_uplink()?;
    // A stall within the handshake is another matter: the session must be there.
    ends.everything_arrives(&mut uplink)?;
    link.stall();
    ends.see_traffic(3)?;
    wait_for("a batch to be sealed into the stall", PATIENCE, || {
        Ok((ends.site.outbox()?.sealed_records > 0).then_some(()))
    })?;
    link.go_on();
    ends.everything_arrives(&mut uplink)?;
    assert_eq!(link.connections(), 1);
    Ok(())
}

#[test]
fn proxies_of_both_kinds_carry_what_they_cannot_read() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    for (proxy, scheme) in [(Proxy::http()?, "http"), (Proxy::socks5()?, "socks5")] {
        ends.site.set_uplink(&format!(
            "proxy = \"{scheme}://{USER}:{PASSWORD}@{}\"\ncentres = [\"{}\"]\n",
            proxy.address,
            ends.centre.collector()?
        ))?;
        ends.see_traffic(1)?;
        ends.everything_arrives(&mut ends.site.start_uplink()?)?;
        assert!(proxy.connections() > 0, "{scheme}");
    }
    Ok(())
}
