//! The key of the outbox in a TPM, as systemd keeps it there for the service: sealed by `systemd-creds` to a TPM in software, unsealed by
//! it for the sensor, worth nothing with another TPM. Without `swtpm` or `systemd-creds` the test says that it was skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_sensor::keyslot::CREDENTIAL;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::run;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};

const PATIENCE: Duration = Duration::from_secs(20);

/// A TPM in software; its state outlives it as a chip's does.
struct Tpm {
    process: Child,
    device: String,
}

impl Tpm {
    /// None where there is no such program.
    fn start(state: &Path) -> Result<Option<Self>> {
        fs::create_dir_all(state)?;
        let (port, control) = two_ports()?;
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", state.display()))
            .args(["--server", &format!("type=tcp,port={port}")])
            .args(["--ctrl", &format!("type=tcp,port={control}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match process {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            process => process?,
        };
        let mut tpm = Self {
            process,
            device: format!("swtpm:host=127.0.0.1,port={port}"),
        };
        wait_for("the TPM", PATIENCE, || {
            ensure!(tpm.process.try_wait()?.is_none(), "swtpm ended");
            // The other port serves one connection and ends with it.
            Ok(TcpStream::connect(("127.0.0.1", control)).ok())
        })?;
        Ok(Some(tpm))
    }

    fn credentials(&self, verb: &str, from: &Path, to: &Path) -> Result<Output> {
        let mut command = Command::new("systemd-creds");
        command.arg(verb);
        if verb == "encrypt" {
            command.arg("--with-key=tpm2");
        }
        command.arg(format!("--tpm2-device={}", self.device));
        command.arg(format!("--name={CREDENTIAL}"));
        Ok(command.arg(from).arg(to).output()?)
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Two free ports in a row, as the library that speaks to the TPM wants them.
fn two_ports() -> Result<(u16, u16)> {
    for _ in 0..100 {
        let first = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let Some(second) = first.checked_add(1) else {
            continue;
        };
        if TcpListener::bind(("127.0.0.1", second)).is_ok() {
            return Ok((first, second));
        }
    }
    anyhow::bail!("no two free ports in a row")
}

fn skipped(why: &str) -> Result<()> {
    eprintln!("skipped: {why}");
    Ok(())
}

fn incidents(folder: &Path) -> Result<PathBuf> {
    let capture = folder.join("input.pcap");
    let mut file = File::create(&capture)?;
    capture_file::write(&demo::make(1, Part::Incidents), FileFormat::Pcap, &mut file)?;
    Ok(capture)
}

#[test]
fn what_waits_opens_with_the_key_of_this_machines_tpm_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let Some(tpm) = Tpm::start(&path("tpm"))? else {
        return skipped("there is no swtpm");
    };
    if Command::new("systemd-creds")
        .arg("--version")
        .output()
        .is_err()
    {
        return skipped("there is no systemd-creds");
    }
    fs::write(path("key"), "5e".repeat(32) + "\n")?;
    let sealed = tpm.credentials("encrypt", &path("key"), &path("sealed"))?;
    if !sealed.status.success() {
        let said = String::from_utf8_lossy(&sealed.stderr);
        return skipped(&format!("systemd-creds cannot use a TPM here: {said}"));
    }
    fs::remove_file(path("key"))?;
    drop(tpm);

    // What systemd does before it starts the service, after the machine was off.
    let tpm = Tpm::start(&path("tpm"))?.context("no TPM")?;
    let credentials = path("credentials");
    fs::create_dir(&credentials)?;
    let unsealed = tpm.credentials("decrypt", &path("sealed"), &credentials.join(CREDENTIAL))?;
    ensure!(unsealed.status.success(), "{unsealed:?}");

    let site = Site::prepare(folder.path(), "tpm")?;
    site.compile_rules()?;
    site.sign_policy()?;
    let capture = incidents(folder.path())?;
    let sensor = || {
        let mut command = site.command_of(&["sensor"]);
        command.arg("--replay").arg(&capture);
        command
    };
    run(sensor().env("CREDENTIALS_DIRECTORY", &credentials))?;
    ensure!(site.outbox()?.queued_records > 5);
    ensure!(lapwing_outbox::is_encrypted(&site.state().join("outbox")));
    ensure!(
        !site.state().join("outbox.key").exists(),
        "a key beside what it protects"
    );
    // The disk in another machine: without the TPM nothing opens, and nothing is thrown away.
    let without = sensor().output()?;
    ensure!(!without.status.success());
    let said = String::from_utf8_lossy(&without.stderr);
    ensure!(said.contains("encrypted with a key"), "{said}");
    let other = Tpm::start(&path("other-tpm"))?.context("no TPM")?;
    let foreign = other.credentials("decrypt", &path("sealed"), &path("stolen"))?;
    ensure!(!foreign.status.success() && !path("stolen").exists());
    let before = site.outbox()?.queued_records;
    run(sensor().env("CREDENTIALS_DIRECTORY", &credentials))?;
    ensure!(site.outbox()?.queued_records > before);
    Ok(())
}
