//! A domain goes from one national centre to another, into the signed pack of its sensors, is met in traffic, and the first centre
//! learns of it: real programs, real TLS, one capture.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_tests::cases::starter_rules;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::run;
use lapwing_tests::programs::program;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};

/// The domain that the capture asks for.
const DOMAIN: &str = "malware.example";
const SENSOR: &str = "isp-of-beta";
const PATIENCE: Duration = Duration::from_secs(60);

/// A centre that says who it is.
struct National {
    centre: Centre,
    folder: PathBuf,
}

impl National {
    fn start(folder: &Path, name: &str) -> Result<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let mut centre = Centre::init(&folder)?;
        let settings = format!(
            "organisation = \"CIRT of {name}\"\ncountry = \"{}\"\ncontact = \"cirt@{name}.example\"\n\
             own_networks = [\"192.0.2.0/26\"]\nfinding_tlp = \"green\"\n",
            if name == "alpha" { "AA" } else { "BB" }
        );
        fs::write(folder.join("centre/exchange.toml"), settings)?;
        centre.start()?;
        Ok(Self { centre, folder })
    }

    /// One of our commands, given as a line.
    fn tell(&self, subcommand: &str, arguments: &str) -> Result<String> {
        run(self
            .centre
            .command(subcommand)
            .args(arguments.split_whitespace()))
    }

    /// Makes a partner with an agreement; its password.
    fn partner(&self, name: &str) -> Result<String> {
        self.tell("peers", &format!("add {name} --kind cirt"))?;
        self.tell(
            "peers",
            &format!("agree {name} --reference paper-{name} --ceiling green --kinds finding,indicator,sighting"),
        )?;
        let shown = self.tell("peers", &format!("password {name}"))?;
        let word = shown
            .split("password ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        Ok(word.context("no password is shown")?.to_owned())
    }

    /// From now on asks another centre for a collection.
    fn ask(
        &self,
        other: &Self,
        them: &str,
        us: &str,
        password: &str,
        collection: &str,
    ) -> Result<()> {
        let secret = self.folder.join("password");
        fs::write(&secret, password)?;
        let mut command = self.centre.command("peers");
        command
            .args(["source", them, "--taxii"])
            .arg(format!(
                "{}taxii2/",
                other.centre.page().replace("127.0.0.1", "localhost")
            ))
            .args(["--collection", collection, "--user", us, "--password-file"])
            .arg(&secret)
            .arg("--authority")
            .arg(other.folder.join("centre/keys/root.crt.pem"));
        run(&mut command).map(drop)
    }
}

#[test]
fn a_domain_travels_there_is_met_and_its_sighting_comes_back() {
    let temporary = tempfile::tempdir().unwrap();
    if let Err(error) = travel(temporary.path()) {
        let kept = temporary.keep();
        panic!("{error:#}; everything is kept in {}", kept.display());
    }
}

fn travel(folder: &Path) -> Result<()> {
    let alpha = National::start(folder, "alpha")?;
    let beta = National::start(folder, "beta")?;
    let password_of_beta = alpha.partner("beta")?;
    let password_of_alpha = beta.partner("alpha")?;

    // Alpha's own analysts know of the domain and let it be published.
    alpha.tell("peers", "add analysts --kind own")?;
    let list = folder.join("known.csv");
    fs::write(
        &list,
        format!("kind,value,comment\ndomain,{DOMAIN},check-in of a bot\n"),
    )?;
    run(alpha
        .centre
        .command("import")
        .args(["csv", "--from", "analysts", "--tlp", "green"])
        .arg(&list))?;
    alpha.tell("indicators", "approve 1")?;
    alpha.tell("peers", "publish")?;

    // Beta polls, and trusts alpha with domains.
    beta.tell("peers", "trust alpha --kinds domain --severity 1")?;
    beta.ask(&alpha, "alpha", "beta", &password_of_beta, "tlp-green")?;
    // Twice: the second time brings nothing new.
    let polled = [beta.tell("peers", "poll")?, beta.tell("peers", "poll")?].concat();
    let approved = beta.tell("indicators", "list approved")?;
    ensure!(approved.matches(DOMAIN).count() == 1, "{polled}{approved}");

    // Into the signed pack, which is a way out like others: without an agreement nothing is shipped.
    let root_key = folder.join("root.key");
    beta.tell(
        "rules",
        &format!("init --new-root-key {}", root_key.display()),
    )?;
    let site = Site::prepare(folder, SENSOR)?;
    let without = publish(&beta)?;
    ensure!(without.contains("1 are kept back"), "{without}");
    beta.tell("peers", "add sensors --kind provider")?;
    beta.tell(
        "peers",
        "agree sensors --reference hosting --ceiling amber --kinds indicator",
    )?;
    let with = publish(&beta)?;
    ensure!(with.contains("indicators 1"), "{with}");
    let repository = beta.folder.join("centre/rules/repository");
    let mut update = Command::new(program("lapwing"));
    update.args(["rules", "update", "--from"]).arg(&repository);
    fs::copy(
        repository.join("metadata/1.root.json"),
        folder.join("root.json"),
    )?;
    update
        .arg("--root")
        .arg(folder.join("root.json"))
        .arg("--pack")
        .arg(folder.join("starter.pack"));
    run(&mut update)?;

    // The sensor meets it.
    site.sign_policy()?;
    site.enrol(&beta.centre.voucher(SENSOR)?)?;
    let mut uplink = site.start_uplink()?;
    site.run_sensor(&capture(folder)?)?;
    wait_for("everything to be acknowledged", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        Ok((status.queued_records == 0 && status.sealed_records == 0).then_some(()))
    })?;
    let produced = site.outbox()?.produced_records;
    wait_for("everything to be sorted", PATIENCE, || {
        Ok((beta.centre.books(SENSOR)?.stored >= produced).then_some(()))
    })?;
    let text = run(beta
        .centre
        .command("findings")
        .args(["--rule", "2000:1", "--output", "json"]))?;
    let page: serde_json::Value = serde_json::from_str(&text)?;
    let hits = page["findings"].as_array().map_or(0, Vec::len);
    ensure!(hits > 0, "the sensor did not meet the domain: {text}");

    // And alpha learns of it.
    let published = beta.tell("peers", "publish")?;
    alpha.ask(&beta, "beta", "alpha", &password_of_alpha, "peer-alpha")?;
    let polled = alpha.tell("peers", "poll")?;
    let feedback = alpha.tell("indicators", "feedback")?;
    let lines = feedback
        .lines()
        .filter(|line| line.contains("sighting") && line.contains("indicator--"))
        .count();
    ensure!(lines == hits, "{hits} hits, {published}{polled}{feedback}");

    // What beta thinks of it comes as well.
    beta.tell("indicators", "false-positive 1 --reason sinkholed")?;
    alpha.tell("peers", "poll")?;
    let feedback = alpha.tell("indicators", "feedback")?;
    ensure!(
        feedback.contains("strongly-disagree") && feedback.contains("sinkholed"),
        "{feedback}"
    );

    // Each step stands in a register, also the indicator's way to the sensors.
    let register = beta.tell("peers", "register")?;
    for part in ["sensors", "pack", "alpha", "taxii"] {
        ensure!(register.contains(part), "{register}");
    }
    Ok(())
}

fn publish(national: &National) -> Result<String> {
    run(national
        .centre
        .command("rules")
        .arg("publish")
        .args(starter_rules()?))
}

fn capture(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("input.pcap");
    let mut writer = BufWriter::new(File::create(&path)?);
    capture_file::write(
        &demo::make(1, Part::Incidents),
        FileFormat::Pcap,
        &mut writer,
    )?;
    writer.flush()?;
    Ok(path)
}
