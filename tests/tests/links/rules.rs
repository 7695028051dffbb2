//! Rules over the link: the uplink mirrors the centre's repository, and the sensor takes from it what the keys have signed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use lapwing_tests::cases::starter_rules;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::run;
use lapwing_tests::programs::program;

use crate::support::{Ends, PATIENCE};

fn update(config: &Path, mirror: &Path) -> Command {
    let mut command = Command::new(program("lapwing"));
    command.args(["rules", "update", "--config"]).arg(config);
    command.arg("--from").arg(mirror);
    command
}

#[test]
fn a_pack_and_then_a_delta_come_over_the_link_and_are_checked_like_any_other() -> Result<()> {
    let ends = Ends::enrolled("")?;
    let folder = ends.folder.path();
    let rules = |words: &[&str]| {
        let mut command = ends.centre.command("rules");
        command.args(words);
        command
    };
    run(rules(&["init", "--new-root-key"]).arg(folder.join("root.key")))?;
    let repository = folder.join("centre/rules/repository");
    fs::copy(
        repository.join("metadata/1.root.json"),
        folder.join("root.json"),
    )?;
    let config = folder.join("sensor.toml");
    let settings = fs::read_to_string(&config)?;
    fs::write(
        &config,
        settings.replace("[rules]\n", "[rules]\nroot = \"root.json\"\n"),
    )?;
    let mirror = ends.site.state().join("rule-repository");
    let stamp = || fs::read(mirror.join("metadata/timestamp.json")).unwrap_or_default();

    let starter = starter_rules()?;
    for (published, expected) in [(1, "the first, as a whole"), (2, "by a delta of")] {
        run(rules(&["publish"]).args(&starter[..published]))?;
        let before = stamp();
        let mut uplink = ends.site.start_uplink()?;
        wait_for("the mirror to be new", PATIENCE, || {
            uplink.must_run()?;
            Ok((stamp() != before).then_some(()))
        })?;
        uplink.stop(PATIENCE)?;
        let told = run(&mut update(&config, &mirror))?;
        assert!(
            told.contains("UPDATED") && told.contains(expected),
            "{told}"
        );
    }
    // What the link brought is believed no more than what a stick brings.
    let targets = mirror.join("metadata/timestamp.json");
    let forged = fs::read_to_string(&targets)?.replacen("\"version\": 3", "\"version\": 4", 1);
    fs::write(&targets, forged)?;
    let output = update(&config, &mirror).output()?;
    assert!(String::from_utf8_lossy(&output.stdout).contains("REFUSED"));
    Ok(())
}
