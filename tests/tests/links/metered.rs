//! What a link costs, against the kernel's own counters of an interface: two network name spaces and a cable, the
//! centre at one end and the sensor at the other.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lapwing_outbox::{Draft, OutboxWriter};
use lapwing_tests::conditions::wait_for;
use lapwing_tests::name_spaces::NameSpaces;
use lapwing_tests::processes::{Process, run};
use lapwing_wire::{
    BootId, ClockQuality, Heartbeat, Lane, PackDigest, PolicyDigest, RecordBody, SensorState,
    Stamp, Summary,
};

use crate::support::{Ends, PATIENCE, SENSOR};

/// What one connection cost by both books.
#[derive(Debug)]
struct Cost {
    /// Both directions, without link layer headers, as a bill counts them.
    kernel: u64,
    /// As the uplink charged itself.
    charged: u64,
}

/// A site and a centre with only a cable between them.
pub(crate) struct Cable {
    pub(crate) spaces: NameSpaces,
    pub(crate) ends: Ends,
    _centre: Process,
}

impl Cable {
    pub(crate) fn lay(key_exchange: &str) -> Result<Option<Self>> {
        let Some(spaces) = NameSpaces::make() else {
            return Ok(None);
        };
        let ends = Ends::enrolled("")?;
        for (space, port, address) in [
            (&spaces.generator, "lwgen", "198.51.100.1/24"),
            (&spaces.sensor, "lwsen", "198.51.100.2/24"),
        ] {
            let sysctl = format!("net.ipv6.conf.{port}.disable_ipv6=1");
            run(NameSpaces::command(space, "sysctl").args(["-q", "-w", &sysctl]))?;
            for words in [
                vec!["addr", "add", address, "dev", port],
                vec!["link", "set", port, "mtu", "1500", "up"],
                vec!["link", "set", "lo", "up"],
            ] {
                run(Command::new("ip").args(["-n", space]).args(words))?;
            }
        }
        let mut ends = ends;
        ends.centre.kill()?;
        let data = ends.folder.path().join("centre");
        let ready = ends.folder.path().join("cable-ready.json");
        let program = lapwing_tests::programs::program("lapwing-cirt");
        let mut command = NameSpaces::command(&spaces.generator, program);
        command.args([
            "serve",
            "--listen",
            "198.51.100.1:7400",
            "--web-listen",
            "127.0.0.1:0",
        ]);
        command
            .arg("--data")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready);
        let mut centre = Process::start("cable-centre", &mut command, ends.folder.path())?;
        wait_for("the centre to be ready", PATIENCE, || {
            centre.must_run()?;
            Ok(ready.exists().then_some(()))
        })?;
        ends.site.set_uplink(&format!(
            "centres = [\"198.51.100.1:7400\"]\ncontact_interval = \"8 h\"\nmonth_budget = \"100 MiB\"\n\
             compression = \"smallest\"\nkey_exchange = \"{key_exchange}\"\n"
        ))?;
        Ok(Some(Self {
            spaces,
            ends,
            _centre: centre,
        }))
    }

    pub(crate) fn uplink(&self) -> Result<Process> {
        let program = lapwing_tests::programs::program("lapwing");
        let mut command = NameSpaces::command(&self.spaces.sensor, program);
        command.args(["uplink", "--config"]);
        command.arg(self.ends.folder.path().join("sensor.toml"));
        Process::start("cable-uplink", &mut command, self.ends.folder.path())
    }

    /// Bytes over the cable so far, both directions, the 14 bytes of each frame's header taken off.
    fn counted(&self) -> Result<u64> {
        let read = |name: &str| -> Result<u64> {
            let path = format!("/sys/class/net/lwsen/statistics/{name}");
            let text = run(NameSpaces::command(&self.spaces.sensor, "cat").arg(path))?;
            Ok(text.trim().parse()?)
        };
        let frames = read("rx_packets")? + read("tx_packets")?;
        Ok(read("rx_bytes")? + read("tx_bytes")? - 14 * frames)
    }

    /// Whether the ledger says that the last connection has ended: it is charged then.
    fn is_disconnected(&self) -> Result<bool> {
        let lines = self.ends.site.state().join("ledger/000000000001.lines");
        let text = fs::read_to_string(lines)?;
        let last = text.lines().last().unwrap_or_default();
        Ok(last.contains("\"what\":\"closed\"") || last.contains("\"what\":\"cut\""))
    }

    fn charged(&self) -> Result<u64> {
        let text = fs::read_to_string(self.ends.site.state().join("identity/budget.json"));
        let Ok(text) = text else { return Ok(0) };
        let spent: serde_json::Value = serde_json::from_str(&text)?;
        spent["month_bytes"].as_u64().context("no month_bytes")
    }

    /// KiB that the uplink process holds, and of them those that are not the program itself: the program's part
    /// depends on how it was built.
    fn resident_kib(&self) -> Result<[u64; 2]> {
        let text = fs::read_to_string(self.ends.site.state().join("identity/link.json"))?;
        let link: serde_json::Value = serde_json::from_str(&text)?;
        let status = fs::read_to_string(format!("/proc/{}/status", link["process"]))?;
        let kib = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let words = line.context("no such line")?;
            Ok(words.trim().trim_end_matches(" kB").parse()?)
        };
        Ok([kib("VmRSS:")?, kib("RssAnon:")?])
    }

    /// Both books now. To be read before whatever leads to a contact: the uplink waits for nobody.
    fn so_far(&self) -> Result<Cost> {
        Ok(Cost {
            kernel: self.counted()?,
            charged: self.charged()?,
        })
    }

    /// What it cost since then, once everything is acknowledged and the connection has ended.
    fn contact(&self, uplink: &mut Process, before: &Cost) -> Result<Cost> {
        wait_for("everything to be acknowledged", PATIENCE, || {
            uplink.must_run()?;
            let status = self.ends.site.outbox()?;
            Ok((status.queued_records + status.sealed_records == 0).then_some(()))
        })?;
        let mut last = (0, 0);
        wait_for("the connection to end", PATIENCE, || {
            std::thread::sleep(Duration::from_millis(400));
            let now = (self.counted()?, self.charged()?);
            let is_over = now == last && self.is_disconnected()?;
            last = now;
            Ok(is_over.then_some(()))
        })?;
        Ok(Cost {
            kernel: self.counted()? - before.kernel,
            charged: self.charged()? - before.charged,
        })
    }
}

/// Never less than the bill, and at most one and a half times as much on contacts of a few packets.
fn fair(cost: &Cost) {
    assert!(
        cost.charged >= cost.kernel,
        "the bill is higher than what was charged: {cost:?}"
    );
    // Every write and every read is charged as packets of their own with acknowledgements of their own; the kernel often needs none.
    assert!(cost.charged * 2 <= cost.kernel * 3, "{cost:?}");
}

#[test]
fn what_is_charged_is_never_less_than_what_the_kernel_counted() -> Result<()> {
    for (key_exchange, again_max) in [("x25519", 2_000), ("hybrid", 5_000)] {
        let Some(mut cable) = Cable::lay(key_exchange)? else {
            return Ok(());
        };
        // A first contact with a whole handshake and a day's heartbeats and summaries of a quiet site.
        let before = cable.so_far()?;
        let mut uplink = cable.uplink()?;
        let first = cable.contact(&mut uplink, &before)?;
        fair(&first);
        // A critical finding calls again at once, and the handshake is short.
        let before = cable.so_far()?;
        cable.ends.see_traffic(1)?;
        let second = cable.contact(&mut uplink, &before)?;
        fair(&second);
        let status = cable.ends.site.outbox()?;
        let account = cable.ends.centre.account(SENSOR)?;
        assert_eq!(account.stored, status.acknowledged_records);
        let [resident, own] = cable.resident_kib()?;
        assert!(own <= 4 * 1024, "the uplink holds {own} KiB of its own");
        eprintln!(
            "{resident} KiB resident, {own} of them its own; {key_exchange}: first contact {first:?}, second with findings {second:?} (goal of a bare reconnect {again_max})"
        );
    }
    Ok(())
}

/// Eight hours of a site where nothing happens: an hourly heartbeat and an hourly digest, as the sensor writes them.
fn idle_hours(cable: &Cable, first_hour: u64) -> Result<()> {
    let mut outbox = OutboxWriter::open(
        &cable.ends.site.state().join("outbox"),
        lapwing_outbox::Settings::default(),
    )?;
    for hour in first_hour..first_hour + 8 {
        let milliseconds = 1_790_000_000_000 + hour * 3_600_000;
        let (queue, account) = outbox.books()?;
        let heartbeat = Heartbeat {
            state: SensorState::Running,
            uptime_seconds: hour * 3_600,
            software_version: "0.1.0".to_owned(),
            pack: Some(PackDigest([0xaa; 32])),
            policy: Some(PolicyDigest([0xd1; 32])),
            packets: 1_000_000 + hour * 7_919,
            queue,
            account,
            ..Heartbeat::default()
        };
        let summary = Summary {
            start_milliseconds: milliseconds - 3_600_000,
            end_milliseconds: milliseconds,
            packets: 1_000_000 + hour * 7_919,
            bytes: 700_000_000 + hour * 1_234_577,
            decoded_packets: 1_000_000 + hour * 7_919,
            flows: 20_000 + hour * 97,
            rules_loaded: 20_017,
            queue,
            ..Summary::default()
        };
        for body in [
            RecordBody::Heartbeat(heartbeat),
            RecordBody::Summary(summary.into_digest()),
        ] {
            outbox.append(Draft {
                lane: Lane::Status,
                time: Stamp {
                    wall_milliseconds: milliseconds,
                    monotonic_milliseconds: hour * 3_600_000,
                    boot: BootId([2; 16]),
                    quality: ClockQuality::Network,
                },
                policy: Some(PolicyDigest([0xd1; 32])),
                body,
            })?;
        }
    }
    Ok(outbox.commit()?)
}

#[test]
fn an_idle_day_on_a_metered_link_costs_less_than_twenty_kilobytes() -> Result<()> {
    let Some(cable) = Cable::lay("x25519")? else {
        return Ok(());
    };
    let (mut kernel, mut charged) = (0, 0);
    for contact in 0..3 {
        idle_hours(&cable, contact * 8)?;
        // A process of its own for each contact: no ticket survives, every handshake is a whole one.
        let before = cable.so_far()?;
        let mut uplink = cable.uplink()?;
        let cost = cable.contact(&mut uplink, &before)?;
        fair(&cost);
        kernel += cost.kernel;
        charged += cost.charged;
        uplink.stop(PATIENCE)?;
    }
    eprintln!("an idle day: {kernel} bytes by the kernel's counters, {charged} charged");
    assert!(kernel <= 20_000, "{kernel}");
    Ok(())
}
