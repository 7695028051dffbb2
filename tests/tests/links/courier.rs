//! A stick in the place of a link: enrolment, findings, acknowledgements, orders, with the real programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lapwing_tests::processes::run;

use crate::support::{Ends, SENSOR};

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for path in files(from)? {
        let target = to.join(path.file_name().context("a file has a name")?);
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, target)?;
        }
    }
    Ok(())
}

impl Ends {
    fn export(&self, stick: &Path) -> Result<String> {
        run(self.site.command_of(&["courier", "export"]).arg(stick))
    }

    fn import(&self, stick: &Path) -> Result<String> {
        run(self.site.command_of(&["courier", "import"]).arg(stick))
    }

    fn at_the_centre(&self, stick: &Path) -> Result<String> {
        run(self.centre.command("courier").arg(stick))
    }
}

#[test]
fn a_site_without_a_link_enrols_and_tells_on_a_stick() -> Result<()> {
    let mut ends = Ends::strangers("")?;
    let stick = ends.folder.path().join("stick");
    fs::create_dir(&stick)?;
    // Eight words by telephone; the approval of a person; the words that both see.
    let words = run(ends
        .centre
        .command("voucher")
        .args(["--quiet", "--words", "--name", SENSOR]))?;
    let words: Vec<&str> = words.split_whitespace().collect();
    assert_eq!(words.len(), 8);
    let centre = ends.centre.collector()?.to_string();
    let enroll = |ends: &Ends| {
        let mut command = ends.site.command_of(&["enroll"]);
        command.args(["--centre", &centre, "--stick"]);
        command.arg(&stick).args(&words);
        command
    };
    let status = enroll(&ends).output()?.status;
    assert_eq!(status.code(), Some(3), "asked, and not enrolled yet");
    // Who finds the stick finds neither the words nor the name.
    for path in files(&stick.join("lapwing/to-centre"))? {
        let bytes = fs::read(&path)?;
        for secret in words.iter().copied().chain([SENSOR]) {
            let secret = secret.as_bytes();
            assert!(!bytes.windows(secret.len()).any(|bytes| bytes == secret));
        }
    }
    let told = ends.at_the_centre(&stick)?;
    assert!(told.contains("waits for approval"), "{told}");
    let approved = run(ends.centre.command("sensors").args(["approve", SENSOR]))?;
    let (_, seen) = approved.trim().rsplit_once("words ").context("no words")?;
    assert!(told.contains(seen), "{told} {approved}");
    ends.at_the_centre(&stick)?;
    let told = run(&mut enroll(&ends))?;
    assert!(told.contains("enrolled as sensor"), "{told}");

    ends.see_traffic(3)?;
    let produced = ends.site.outbox()?.produced_records;
    let told = ends.export(&stick)?;
    assert!(told.contains(&format!("{produced} records")), "{told}");
    assert_eq!(
        ends.site.outbox()?.acknowledged_records,
        0,
        "a stick may be lost"
    );
    ends.at_the_centre(&stick)?;
    let told = ends.import(&stick)?;
    assert!(told.contains("have arrived"), "{told}");
    ends.books_agree()?;
    Ok(())
}

#[test]
fn lost_old_and_torn_sticks_change_nothing_that_should_not() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let path = |name: &str| ends.folder.path().join(name);
    let (lost, first, old, torn) = (path("lost"), path("first"), path("old"), path("torn"));
    for stick in [&lost, &first, &torn] {
        fs::create_dir(stick)?;
    }
    ends.see_traffic(2)?;
    ends.export(&lost)?;
    // The finder of the lost stick sees nothing of what the sensor saw.
    for path in files(&lost.join("lapwing/to-centre"))? {
        let bytes = fs::read(&path)?;
        for told in ["malware.example", "botnet.example", "192.0.2.66", "jndi"] {
            assert!(
                !bytes
                    .windows(told.len())
                    .any(|bytes| bytes == told.as_bytes())
            );
        }
    }
    // The same batches go onto another one, and arrive once.
    ends.export(&first)?;
    ends.at_the_centre(&first)?;
    copy(&first, &old)?;
    ends.import(&first)?;
    ends.books_agree()?;

    // The old stick comes again, to both.
    ends.see_traffic(2)?;
    let waiting = ends.site.outbox()?.queued_records;
    assert!(waiting > 0);
    let told = ends.at_the_centre(&old)?;
    assert!(told.contains("were here already"), "{told}");
    let told = ends.import(&old)?;
    assert!(told.contains("0 batches have arrived"), "{told}");
    assert_eq!(ends.site.outbox()?.queued_records, waiting);

    // A torn file is named; the others are used.
    ends.export(&torn)?;
    let batches = files(&torn.join("lapwing/to-centre"))?;
    let whole = fs::read(&batches[0])?;
    fs::write(
        torn.join("lapwing/to-centre/torn.batch"),
        &whole[..whole.len() / 2],
    )?;
    let told = ends.at_the_centre(&torn)?;
    assert!(told.contains("not used: torn.batch: it is torn"), "{told}");
    // An answer that somebody changed, or made himself, is named and believed by nobody.
    let answers = torn.join("lapwing/to-sensor");
    let answer = files(&answers)?.remove(0);
    let right = fs::read(&answer)?;
    let mut forged = right.clone();
    let middle = forged.len() * 9 / 10;
    forged[middle] ^= 1;
    fs::write(&answer, &forged)?;
    let told = ends.import(&torn).unwrap_err().to_string();
    assert!(told.contains("failed"), "{told}");
    assert!(ends.site.outbox()?.sealed_records > 0, "nothing was let go");
    fs::write(&answer, &right)?;
    ends.import(&torn)?;
    ends.books_agree()?;
    Ok(())
}

#[test]
fn orders_and_a_revocation_travel_on_a_stick_too() -> Result<()> {
    let mut ends = Ends::enrolled("")?;
    let stick = ends.folder.path().join("stick");
    fs::create_dir(&stick)?;
    run(ends.centre.command("sensors").args([
        "less",
        SENSOR,
        "--rung",
        "1",
        "--lightest",
        "normal",
    ]))?;
    ends.see_traffic(1)?;
    ends.export(&stick)?;
    ends.at_the_centre(&stick)?;
    let told = ends.import(&stick)?;
    assert!(told.contains("new orders"), "{told}");
    // The same orders again are no news.
    let told = ends.import(&stick)?;
    assert!(!told.contains("new orders"), "{told}");
    run(ends.centre.command("sensors").args(["revoke", SENSOR]))?;
    ends.see_traffic(1)?;
    ends.export(&stick)?;
    let told = ends.at_the_centre(&stick)?;
    assert!(told.contains("is revoked"), "{told}");
    let output = ends
        .site
        .command_of(&["courier", "import"])
        .arg(&stick)
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("REVOKED"), "{told}");
    assert!(!output.status.success());
    Ok(())
}
