//! Packets that are really lost: the kernels at both ends of a cable throw away three in ten of those that arrive, whatever is in them.

use std::process::Command;

use anyhow::Result;
use lapwing_tests::name_spaces::NameSpaces;
use lapwing_tests::processes::run;

use crate::metered::Cable;
use crate::support::PATIENCE;

/// Of a hundred packets.
const LOST: u32 = 30;

fn nft(space: &str, words: &str) -> Result<String> {
    run(NameSpaces::command(space, "nft").arg(words))
}

/// False, with a message, where this machine has no nftables.
fn lose_packets(spaces: &NameSpaces) -> Result<bool> {
    if Command::new("nft").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no nft to lose packets with");
        return Ok(false);
    }
    for space in [&spaces.generator, &spaces.sensor] {
        nft(space, "add table inet loss")?;
        nft(
            space,
            "add chain inet loss arriving { type filter hook input priority 0; }",
        )?;
        nft(
            space,
            &format!(
                "add rule inet loss arriving iif != lo numgen random mod 100 < {LOST} counter drop"
            ),
        )?;
    }
    Ok(true)
}

/// Packets that were thrown away at an end.
fn lost_at(space: &str) -> Result<u64> {
    let listed = nft(space, "list chain inet loss arriving")?;
    let mut words = listed
        .split_whitespace()
        .skip_while(|word| *word != "packets");
    let count = words.nth(1).and_then(|word| word.parse().ok());
    Ok(count.unwrap_or(0))
}

#[test]
fn with_three_packets_in_ten_lost_everything_arrives_once() -> Result<()> {
    let Some(mut cable) = Cable::lay("hybrid")? else {
        return Ok(());
    };
    if !lose_packets(&cable.spaces)? {
        return Ok(());
    }
    cable.ends.see_traffic(4)?;
    let before = std::time::Instant::now();
    let mut uplink = cable.uplink()?;
    let account = cable.ends.everything_arrives(&mut uplink)?;
    let took = before.elapsed();
    uplink.stop(PATIENCE)?;
    let lost = lost_at(&cable.spaces.generator)? + lost_at(&cable.spaces.sensor)?;
    eprintln!(
        "{} records in {} s with {lost} packets lost",
        account.stored,
        took.as_secs()
    );
    anyhow::ensure!(lost >= 5, "only {lost} packets were lost");
    Ok(())
}
