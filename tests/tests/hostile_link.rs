//! The centre can never widen what leaves, this time over a real link: TCP, TLS, the uplink as it runs, and at the other end a centre
//! that has every key of the real one and means harm. `LAPWING_HOSTILE_MESSAGES=10000` makes it last longer (`make hostile`).
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lapwing_outbox::{Keyslot, peek};
use lapwing_sensor::keyslot;
use lapwing_sensor::policy::{QueueFilter, TEMPLATE, file};
use lapwing_sensor::settings::Settings;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::hostile::HostileCentre;
use lapwing_tests::processes::run;
use lapwing_tests::site::{Site, mirrored};
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_uplink::ledger::{Entry, LedgerKey, Line, Lines};
use lapwing_uplink::{Identity, shutdown};
use lapwing_wire::{
    BatchDigest, ContentKey, DisclosedAddress, Lane, Message, ReceivedEnvelope, Record, RecordBody,
};

const SENSOR: &str = "hostile";
const PATIENCE: Duration = Duration::from_secs(600);
/// What the edge may ever write while a centre speaks to it.
const WRITTEN: [&str; 5] = [
    "edge/identity",
    "edge/ledger",
    "edge/outbox",
    "edge/rule-repository",
    "centre",
];

/// A site with findings in its outbox, enrolled at a centre that is gone.
struct Prepared {
    folder: tempfile::TempDir,
    site: Site,
    centre: Centre,
    settings: Settings,
    keyslot: Keyslot,
}

fn prepared(rounds: u32) -> Result<Prepared> {
    let folder = tempfile::tempdir()?;
    let (site, centre) = Site::enrolled(folder.path(), SENSOR)?;
    site.run_sensor(&capture(folder.path(), rounds)?)?;
    let settings = Settings::read(&folder.path().join("sensor.toml"))?;
    let keyslot = keyslot::open(&settings)?;
    Ok(Prepared {
        folder,
        site,
        centre,
        settings,
        keyslot,
    })
}

fn capture(folder: &Path, rounds: u32) -> Result<PathBuf> {
    let mut trace = demo::make(1, Part::Incidents);
    trace.repeat(rounds, 600 * 1_000_000_000);
    let path = folder.join("input.pcap");
    let mut file = std::io::BufWriter::new(fs::File::create(&path)?);
    capture_file::write(&trace, FileFormat::Pcap, &mut file)?;
    Ok(path)
}

/// Every file below a folder with its content, but for what the edge writes itself.
fn untouchable(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    fn walk(root: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.strip_prefix(root)?;
            if WRITTEN.iter().any(|written| name == Path::new(written)) {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, all)?;
            } else if path.extension().is_none_or(|extension| extension != "log") {
                all.insert(name.to_owned(), fs::read(&path)?);
            }
        }
        Ok(())
    }
    let mut all = BTreeMap::new();
    walk(folder, folder, &mut all)?;
    Ok(all)
}

/// The uplink's settings as the program has them, but quick.
fn quick(prepared: &Prepared) -> lapwing_uplink::Settings {
    let settings = &prepared.settings;
    let mut uplink =
        lapwing_uplink::Settings::new(settings.identity_folder(), settings.outbox_folder());
    uplink.outbox = settings.outbox(Some(prepared.keyslot.clone()));
    uplink.ledger_folder = settings.ledger_folder();
    let public = fs::read_to_string(prepared.folder.path().join("ledger.pub")).unwrap();
    uplink.ledger_key = LedgerKey::parse_public(&public);
    uplink.filter = Some(Arc::new(QueueFilter::new(
        settings.policy.clone(),
        &settings.state,
    )));
    uplink.mirrors = vec![lapwing_uplink::MirrorSettings {
        folder: settings.rule_mirror_folder(),
        of: lapwing_uplink::Mirrored::Rules,
    }];
    uplink.seal.max_records = 3;
    uplink.send_interval = Duration::from_millis(5);
    uplink.retry_max = Duration::from_millis(20);
    uplink
}

/// Runs the uplink until `is_over`; nothing that a centre says ends it.
fn run_uplink(
    settings: lapwing_uplink::Settings,
    mut is_over: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let (stopper, stopped) = shutdown();
    let running = thread::spawn(move || lapwing_uplink::run(settings, stopped));
    let over = wait_for("the hostile centre to have said it all", PATIENCE, || {
        ensure!(!running.is_finished(), "the uplink ended by itself");
        Ok(is_over()?.then_some(()))
    });
    stopper.stop();
    let result = running.join();
    let result = result.map_err(|_| anyhow::anyhow!("the uplink panicked"))?;
    over.with_context(|| format!("{result:?}"))
}

#[test]
fn a_hostile_centre_obtains_nothing_over_a_real_link() -> Result<()> {
    let said = match std::env::var("LAPWING_HOSTILE_MESSAGES") {
        Ok(text) => text.parse()?,
        Err(_) => 300,
    };
    let mut prepared = prepared(40)?;
    let address = prepared.centre.collector()?;
    prepared.centre.kill()?;
    let data = prepared.folder.path().join("centre");
    let sensor = Identity::load(&prepared.settings.identity_folder())?.sensor;
    let allowed = by_number(peek(
        &prepared.settings.outbox_folder(),
        usize::MAX,
        Some(&prepared.keyslot),
    )?);
    ensure!(allowed.len() > 300, "{} records", allowed.len());
    let before = untouchable(prepared.folder.path())?;

    let hostile = HostileCentre::take_over(&data, address, sensor, 20_261_201)?;
    run_uplink(quick(&prepared), || Ok(hostile.heard().said >= said))?;

    assert_eq!(untouchable(prepared.folder.path())?, before);
    let lines = Lines::read(&prepared.settings.ledger_folder())?.lines;
    let entered: BTreeSet<String> = lines
        .iter()
        .filter_map(|line| match &line.entry {
            Entry::Sent { digest, .. } => Some(digest.clone()),
            _ => None,
        })
        .collect();
    let isp = fs::read_to_string(prepared.folder.path().join("ledger.key"))?;
    let isp = LedgerKey::parse(&isp).context("no ledger key")?;
    let policy = file::parse(TEMPLATE)?;
    let (mut envelopes, mut findings) = (0, 0);
    let heard = hostile.heard();
    for message in &heard.messages {
        match message {
            Message::Hello(_) | Message::ControlRequest(_) | Message::RenewRequest(_) => {}
            Message::FileRequest(request) => {
                let path = request.path.to_string();
                ensure!(
                    path.starts_with("metadata/") || path.starts_with("targets/"),
                    "{path}"
                );
            }
            Message::Error(error) => ensure!(error.text.len() < 200, "{error:?}"),
            Message::Envelope(bytes) => {
                envelopes += 1;
                ensure!(entered.contains(&BatchDigest::of(bytes).to_string()));
                let received = ReceivedEnvelope::parse(bytes.clone())?;
                for record in open(&received, &isp, &lines)? {
                    let number = (record.header.lane, record.header.number.0);
                    assert_eq!(Some(&record), allowed.get(&number), "{number:?}");
                    if let RecordBody::Finding(finding) = &record.body {
                        findings += 1;
                        for end in [&finding.source, &finding.destination] {
                            if let DisclosedAddress::Clear(address) = end.address {
                                ensure!(!policy.home_networks.contains(address));
                            }
                        }
                    }
                }
            }
            other => anyhow::bail!("the edge said {other:?}"),
        }
    }
    assert_eq!(heard.unreadable, 0);
    // The subscribers of the made traffic, written as text, in all that came out of TLS.
    let text = String::from_utf8_lossy(&heard.bytes);
    for network in ["10.20.", "10.10."] {
        ensure!(!text.contains(network), "{network} left");
    }
    eprintln!(
        "{} messages in {} sessions, {envelopes} envelopes with {findings} findings",
        heard.said, heard.sessions
    );
    ensure!(envelopes > 5 && findings > 5);
    drop(heard);
    hostile.stop()
}

fn by_number(records: Vec<Record>) -> BTreeMap<(Lane, u64), Record> {
    let number = |record: &Record| (record.header.lane, record.header.number.0);
    records
        .into_iter()
        .map(|record| (number(&record), record))
        .collect()
}

/// The records of an envelope, with the ISP's own key.
fn open(envelope: &ReceivedEnvelope, isp: &LedgerKey, lines: &[Line]) -> Result<Vec<Record>> {
    let digest = envelope.digest();
    let wrapped = lines.iter().find_map(|line| match &line.entry {
        Entry::Sealed {
            digest: its, key, ..
        } if *its == digest.to_string() => key.as_deref(),
        _ => None,
    });
    let wrapped = hex::decode(wrapped.context("an envelope without a key for the ISP")?)?;
    let (key, to) = ContentKey::unwrap(&wrapped, isp.private_key(), digest)?;
    Ok(envelope.open_with_content_key(&key, &to)?.records)
}

/// The real centre publishes rules that single out subscribers, signed with its keys, and the sensor takes the pack: of its rules
/// only the innocent one runs.
#[test]
fn hostile_packs_come_over_the_link_and_do_not_run() -> Result<()> {
    let prepared = prepared(1)?;
    let folder = prepared.folder.path();
    let rules = |words: &[&str]| {
        let mut command = prepared.centre.command("rules");
        command.args(words);
        command
    };
    run(rules(&["init", "--new-root-key"]).arg(folder.join("root.key")))?;
    fs::copy(
        folder.join("centre/rules/repository/metadata/1.root.json"),
        folder.join("root.json"),
    )?;
    let config = folder.join("sensor.toml");
    let text = fs::read_to_string(&config)?;
    fs::write(
        &config,
        text.replace("[rules]\n", "[rules]\nroot = \"root.json\"\n"),
    )?;
    let hostile = folder.join("hostile.rules");
    fs::write(
        &hostile,
        "alert udp any any -> any 53 (msg:\"innocent\"; sid:9000901;)\n\
         alert ip 10.20.31.14 any -> any any (msg:\"one subscriber\"; sid:9000902;)\n\
         alert ip !10.20.31.14 any -> any any (msg:\"all but one\"; sid:9000903;)\n\
         alert tcp any any -> any any (msg:\"named\"; content:\"10.20.31.14\"; sid:9000904;)\n",
    )?;
    run(rules(&["publish"]).arg(&hostile))?;
    let mirror = prepared.settings.rule_mirror_folder();
    let mut uplink = prepared.site.start_uplink()?;
    mirrored(&mut uplink, &mirror, Duration::from_secs(90))?;
    uplink.stop(Duration::from_secs(60))?;
    let mut update = prepared.site.command_of(&["rules", "update"]);
    let told = run(update.arg("--from").arg(&mirror))?;
    ensure!(told.contains("UPDATED"), "{told}");

    let known = |records: &[Record]| -> BTreeSet<u32> {
        let sids = records.iter().filter_map(|record| match &record.body {
            RecordBody::Finding(finding) => Some(finding.rule.sid),
            _ => None,
        });
        sids.filter(|sid| *sid > 9_000_900).collect()
    };
    prepared.site.run_sensor(&capture(folder, 1)?)?;
    let records = peek(
        &prepared.settings.outbox_folder(),
        usize::MAX,
        Some(&prepared.keyslot),
    )?;
    assert_eq!(known(&records), BTreeSet::from([9_000_901]));
    let status = run(&mut prepared.site.command_of(&["status"]))?;
    let line = status
        .lines()
        .find(|line| line.contains("by policy"))
        .context("the refusal is not told")?;
    ensure!(line.contains("3 rules_refused_home_address"), "{line}");
    Ok(())
}
