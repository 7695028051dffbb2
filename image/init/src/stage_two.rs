//! Stage two: process 1 for as long as the board runs. It never ends; what fails is told and tried again.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::{process::Pid, system::sethostname, thread::CapabilitySet};

use crate::{
    boot_control::{self, BootControl},
    clock,
    console::{say, show},
    data_partition,
    disk::Disk,
    drivers::{DeviceEvents, Drivers, OF_THE_BOOT_PARTITION},
    health::{Health, SensorWatch, WellSince, is_data_writable},
    key_disk,
    layout::{self, Slot, word},
    lights,
    limits::{
        CLOCK_NOTE_INTERVAL, FRUITLESS_STARTS_MAX, HEALTHY_FOR, LOOK_INTERVAL,
        SITE_DOCUMENT_MAX_BYTES, STOP_PATIENCE, TRIAL_PATIENCE,
    },
    mounts,
    network::Network,
    release::Release,
    sensor_settings::{self, RunningImage},
    services::{self, Service},
    site_file::{self, SiteFile},
    site_status::SiteStatus,
    stage_one::restart,
    status_page,
    updates::Updates,
    watchdog::Watchdog,
    weekly_report::WeeklyReport,
    whole_file,
};

/// Starts since the last that was healthy.
const STARTS: &str = "/data/boot/starts";
/// There once the centre was reached.
const WAS_REACHED: &str = "/data/boot/centre-was-reached";
/// The site file as it was last read, without its voucher.
const KEPT_SITE_FILE: &str = "/data/site/lapwing-site.toml";
/// Between looks at what is dear to look at.
const SLOW_INTERVAL: Duration = Duration::from_secs(5);

/// Runs stage two. Never returns.
pub fn run() -> ! {
    match Board::start() {
        Ok(mut board) => loop {
            board.look();
            thread::sleep(LOOK_INTERVAL);
        },
        Err(error) => {
            say(&format!("cannot start: {error:#}"));
            thread::sleep(Duration::from_secs(5));
            restart();
        }
    }
}

struct Board {
    release: Release,
    slot: Slot,
    fault: Option<String>,
    control: Box<dyn BootControl>,
    is_on_trial: bool,
    fruitless_starts: u32,
    watchdog: Option<Watchdog>,
    site: Result<SiteFile, String>,
    network: Network,
    run: Service,
    enrol: Option<Service>,
    /// The page, and where it is.
    page_service: Option<(String, Service)>,
    updates: Updates,
    image: Option<RunningImage>,
    /// When the board is started again at the latest, for an update that was written.
    restart_at: Option<Instant>,
    sensor: SensorWatch,
    well_since: WellSince,
    was_well: bool,
    prepared: Vec<String>,
    settings_for: Option<Vec<String>>,
    status: SiteStatus,
    started: Instant,
    slow_look: Option<Instant>,
    clock_noted: Instant,
    has_data: bool,
    page: String,
    last_problems: Vec<String>,
    /// Last acknowledgements of the centre: when the board started, and now.
    acknowledged_before: u64,
    acknowledged: u64,
    was_reached: bool,
    /// Why the key of what waits is not at hand.
    key_problem: Option<String>,
    report: WeeklyReport,
}

impl Board {
    fn start() -> anyhow::Result<Self> {
        mounts::memory_file_systems()?;
        let release = Release::read();
        say(&format!("stage two, version {}", release.version));
        let command_line = fs::read_to_string("/proc/cmdline")?;
        let slot = word(&command_line, layout::WORD_SLOT)
            .and_then(Slot::of_letter)
            .context("the kernel's command line names no slot")?;
        tell_clock(clock::raise_to_floor(release.built_seconds));
        load_drivers()?;
        let mut watchdog = Watchdog::open();
        say(match watchdog {
            Some(_) => "watchdog open",
            None => "no watchdog on this board",
        });
        let disk = Disk::with_partition(layout::BOOT_PARTITION, || {})?;
        mounts::boot(&disk.partition(layout::BOOT_PARTITION)?, layout::BOOT)?;
        // Each step of the start that came to its end is a sign of life.
        let mut step_done = || {
            if let Some(watchdog) = &mut watchdog {
                watchdog.feed();
            }
        };
        step_done();
        for done in data_partition::mount(&disk.partition(layout::DATA_PARTITION)?, &mut step_done)?
        {
            say(&done);
        }
        step_done();
        tell_clock(clock::raise_to_floor(release.built_seconds));
        let control = boot_control::of(Path::new(layout::BOOT));
        let is_on_trial = control.is_on_trial(slot)?;
        let fruitless_starts = count_start()?;
        say(&format!(
            "slot {slot} {}, start {fruitless_starts} since the last healthy one",
            if is_on_trial { "on trial" } else { "confirmed" }
        ));
        let site = read_site();
        match &site {
            Ok(site) => sethostname(site.name.as_deref().unwrap_or("lapwing").as_bytes())?,
            Err(error) => say(error),
        }
        let network = Network::start(
            site.as_ref().unwrap_or(&SiteFile::default()),
            release.built_seconds,
        )?;
        let settings = layout::SENSOR_SETTINGS;
        fs::create_dir_all(Path::new(layout::BOARD_STATUS).with_file_name(""))?;
        Ok(Self {
            slot,
            fault: word(&command_line, layout::WORD_FAULT).map(str::to_owned),
            updates: Updates::start(slot, &*control),
            image: Updates::running_image(&release, &command_line),
            restart_at: None,
            control,
            is_on_trial,
            fruitless_starts,
            watchdog,
            enrol: site.as_ref().ok().and_then(enrol_service),
            site,
            network,
            page_service: None,
            run: Service::new(&["run", "--config", settings], CapabilitySet::NET_RAW),
            sensor: SensorWatch::default(),
            well_since: WellSince::default(),
            was_well: false,
            prepared: Vec::new(),
            settings_for: None,
            status: SiteStatus::default(),
            started: Instant::now(),
            slow_look: None,
            clock_noted: Instant::now(),
            has_data: true,
            page: String::new(),
            last_problems: Vec::new(),
            acknowledged_before: last_acknowledgement(),
            acknowledged: last_acknowledgement(),
            was_reached: Path::new(WAS_REACHED).exists(),
            key_problem: None,
            report: WeeklyReport::default(),
            release,
        })
    }

    /// One look at everything.
    fn look(&mut self) {
        for (process, status) in services::ended() {
            self.ended(process, status);
        }
        self.restart_when_stopped();
        self.updates.look(self.is_on_trial);
        self.prepare_capture();
        let has_ports = self.settings_for.as_ref();
        if has_ports.is_some_and(|ports| !ports.is_empty())
            && self.restart_at.is_none()
            && self.has_key()
        {
            self.run.look();
        }
        if let Some(enrol) = self.enrol.as_mut().filter(|_| self.settings_for.is_some()) {
            enrol.look();
        }
        self.look_after_page();
        self.sensor.look();
        if self
            .slow_look
            .is_none_or(|time| time.elapsed() > SLOW_INTERVAL)
        {
            self.slow_look = Some(Instant::now());
            self.look_slowly();
        }
        // Everything above came to its end, so the board is alive.
        if self.fault.as_deref() == Some("hang") && self.started.elapsed() > SLOW_INTERVAL {
            say("showing a hang, as the command line says");
            loop {
                thread::park();
            }
        }
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.feed();
        }
    }

    /// Keeps the page at the address of the management port.
    fn look_after_page(&mut self) {
        let port = self
            .site
            .as_ref()
            .ok()
            .and_then(|site| site.management.page);
        let address = self.network.state().address.map(|net| net.addr());
        if let (Some(port), Some(address)) = (port, address) {
            let at = SocketAddr::new(address, port).to_string();
            if self.page_service.as_ref().is_none_or(|(old, _)| *old != at) {
                if let Some((_, old)) = &mut self.page_service {
                    old.restart();
                }
                say(&format!("page: http://{at}/"));
                let arguments = [status_page::WORD, at.as_str()];
                let service = Service::of_init(&arguments, layout::PAGE_USER);
                self.page_service = Some((at, service));
            }
        }
        if let Some((_, service)) = &mut self.page_service {
            service.look();
        }
    }

    /// Whether the key of what waits is at hand, where the site keeps it on another disk.
    fn has_key(&mut self) -> bool {
        let place = self
            .site
            .as_ref()
            .ok()
            .and_then(|site| site.outbox_key.as_ref());
        self.key_problem = place.and_then(|place| key_disk::look(place).err());
        self.key_problem.is_none()
    }

    fn look_slowly(&mut self) {
        self.updates.look_for_sticks();
        self.has_data = is_data_writable();
        let reports = |site: &SiteFile| site.report_key.is_some();
        if self.settings_for.is_some() && self.site.as_ref().is_ok_and(reports) {
            self.report
                .look(&Path::new(layout::SITE).join(layout::REPORT_KEY));
        }
        if is_enrolled() {
            self.acknowledged = last_acknowledgement();
            if self.acknowledged > self.acknowledged_before && !self.was_reached {
                self.was_reached = fs::write(WAS_REACHED, "").is_ok();
            }
        }
        let health = self.health();
        let well_for = self.well_since.note(health.is_well());
        if health.problems != self.last_problems {
            for problem in &health.problems {
                say(&format!("problem: {problem}"));
            }
            self.last_problems.clone_from(&health.problems);
            lights::show(health.is_well());
        }
        if well_for >= HEALTHY_FOR && !self.was_well {
            self.become_well();
        }
        self.go_back_if_hopeless(&health);
        self.tell(&health);
        self.updates.tell_centre(&self.release, self.slot);
        if self.clock_noted.elapsed() > CLOCK_NOTE_INTERVAL {
            self.clock_noted = Instant::now();
            if let Err(error) = clock::note() {
                say(&format!("cannot note the time: {error:#}"));
            }
        }
    }

    fn ended(&mut self, process: Pid, status: i32) {
        if self.updates.ended(process, status) {
            self.restart_at = Some(Instant::now() + STOP_PATIENCE);
            self.run.restart();
        }
        let is_enrol = self
            .enrol
            .as_mut()
            .is_some_and(|enrol| enrol.ended(process, status));
        if is_enrol && is_enrolled() {
            say("enrolled");
            self.enrol = None;
            forget_voucher();
            // The uplink found no identity so far and waits; the sensor is quick to be back.
            self.run.restart();
        } else if !is_enrol && !self.run.ended(process, status) {
            let page = self.page_service.as_mut();
            page.map(|(_, service)| service.ended(process, status));
        }
    }

    /// Starts the board again for an update that was written, once the sensor has written down what it holds.
    fn restart_when_stopped(&self) {
        if self
            .restart_at
            .is_some_and(|time| !self.run.is_running() || Instant::now() > time)
        {
            say("restarting into the new image");
            restart();
        }
    }

    /// Makes capture ports of those that the site names, and writes the settings for them.
    fn prepare_capture(&mut self) {
        let Ok(site) = &self.site else { return };
        let ports = self.network.state().capture;
        for port in &ports {
            if self.prepared.contains(port) {
                continue;
            }
            match services::run_privileged(&["interfaces", "prepare", port]) {
                Ok(text) => {
                    say(&text);
                    self.prepared.push(port.clone());
                }
                Err(error) => {
                    say(&format!("{port}: {error:#}"));
                    return;
                }
            }
        }
        // A port that was unplugged must be prepared anew when it is back.
        self.prepared.retain(|port| ports.contains(port));
        let is_new = self.settings_for.as_ref().is_none_or(|known| {
            // A port that is gone is watched on by the sensor itself.
            ports.iter().any(|port| !known.contains(port))
        });
        if is_new {
            match sensor_settings::write(site, &ports, self.image.as_ref()) {
                Ok(()) => {
                    self.settings_for = Some(ports);
                    self.run.restart();
                }
                Err(error) => say(&format!("{error:#}")),
            }
        }
    }

    fn health(&self) -> Health {
        let mut health = Health::default();
        if self.fault.as_deref() == Some("unhealthy") {
            health.note("a fault is shown, as the kernel's command line says");
        }
        if !self.has_data {
            health.note("the card cannot be written: replace it");
        }
        if let Some(problem) = &self.key_problem {
            health.note(problem.clone());
        }
        let network = self.network.state();
        match &self.site {
            Err(error) => health.note(error.clone()),
            Ok(_) => {
                for port in &network.missing {
                    health.note(format!(
                        "there is no port {port}: plug the card in, or correct {}",
                        layout::SITE_FILE
                    ));
                }
                if network.capture.is_empty() {
                    health.note(
                        "there is no port for the mirrored traffic: plug a second network card in",
                    );
                } else if !self.sensor.is_fresh() {
                    health.note("the sensor does not run yet");
                }
            }
        }
        if self.is_on_trial && self.was_reached && self.acknowledged == self.acknowledged_before {
            health.note("the centre was reached before the update and is not now");
        }
        health
    }

    fn become_well(&mut self) {
        self.was_well = true;
        say("HEALTHY");
        if self.is_on_trial {
            let confirmed =
                mounts::while_writable(layout::BOOT, || Ok(self.control.confirm(self.slot)?));
            match confirmed {
                Ok(()) => {
                    self.is_on_trial = false;
                    self.updates.confirmed();
                    say(&format!("slot {} confirmed", self.slot));
                }
                Err(error) => {
                    say(&format!(
                        "slot {} cannot be confirmed: {error:#}",
                        self.slot
                    ));
                    self.was_well = false;
                    return;
                }
            }
        }
        self.fruitless_starts = 0;
        if let Err(error) = fs::write(STARTS, "0") {
            say(&format!("cannot note that this start is healthy: {error}"));
        }
    }

    /// A slot on trial that does not become healthy gives way, unless that has been tried too often.
    fn go_back_if_hopeless(&mut self, health: &Health) {
        let patience = if self.fault.is_some() {
            SLOW_INTERVAL * 2
        } else {
            TRIAL_PATIENCE
        };
        if !self.is_on_trial || self.was_well || self.started.elapsed() < patience {
            return;
        }
        if self.fruitless_starts > FRUITLESS_STARTS_MAX {
            return;
        }
        let reason = health.problems.join("; ");
        self.updates.gives_way(&reason);
        say(&format!(
            "slot {} is not healthy and gives way: {reason}",
            self.slot
        ));
        restart();
    }

    fn tell(&mut self, health: &Health) {
        let text = self.text(health);
        if text != self.page {
            show(&text);
            if self.page_service.is_some()
                && let Err(error) = status_page::write(&text)
            {
                say(&format!("the page cannot be written: {error}"));
            }
            self.page.clone_from(&text);
        }
        // An update that is being written has the boot partition to itself.
        if !self.updates.is_running() {
            self.status.write(&text);
        }
    }

    /// The same on the screen, in the status file, and as `lapwing check` says it in the site's language.
    fn text(&self, health: &Health) -> String {
        let mut text = self.common_lines(health).join("\n") + "\n\n";
        if let (Ok(site), Some(_)) = (&self.site, &self.settings_for) {
            let arguments = [
                "check",
                "--config",
                layout::SENSOR_SETTINGS,
                "--language",
                site.language.code(),
            ];
            match services::run_as_user(&arguments) {
                Ok((verdicts, _)) => text.push_str(&verdicts),
                Err(error) => text.push_str(&format!("{error:#}\n")),
            }
        }
        text
    }

    fn common_lines(&self, health: &Health) -> Vec<String> {
        let network = self.network.state();
        let name = self.site.as_ref().ok().and_then(|site| site.name.clone());
        let mut lines = vec![
            format!(
                "LAPWING    {}",
                name.unwrap_or_else(|| "(no name)".to_owned())
            ),
            format!("version    {}, slot {}", self.release.version, self.slot),
        ];
        let port = network.port.clone().unwrap_or_else(|| "no port".to_owned());
        lines.push(match (&network.address, &network.problem) {
            (Some(address), _) => format!("network    {port}: {address}"),
            (None, Some(problem)) => format!("network    {port}: {problem}"),
            (None, None) => format!("network    {port}: no address yet"),
        });
        lines.push(format!(
            "capture    {}",
            if network.capture.is_empty() {
                "no port".to_owned()
            } else {
                network.capture.join(", ")
            }
        ));
        lines.push(format!(
            "enrolled   {}",
            if is_enrolled() { "yes" } else { "no" }
        ));
        if let Some(line) = self.updates.line() {
            lines.push(format!("update     {line}"));
        }
        if health.is_well() {
            lines.push("board      PASS".to_owned());
        } else {
            lines.push("board      FAIL".to_owned());
            lines.extend(
                health
                    .problems
                    .iter()
                    .map(|problem| format!("  - {problem}")),
            );
        }
        if self.fruitless_starts > FRUITLESS_STARTS_MAX {
            lines.push(format!(
                "  - {} starts in a row were not healthy: this needs a person",
                self.fruitless_starts
            ));
        }
        lines
    }
}

fn tell_clock(raised: anyhow::Result<Option<u64>>) {
    match raised {
        Ok(None) => {}
        Ok(Some(seconds)) => say(&format!(
            "the clock showed an impossible time and is put to {seconds}"
        )),
        Err(error) => say(&format!("{error:#}")),
    }
}

/// Loads what the board has now, and from a thread what comes later.
fn load_drivers() -> anyhow::Result<()> {
    let events = DeviceEvents::listen()?;
    let mut drivers = Drivers::read();
    for name in OF_THE_BOOT_PARTITION
        .into_iter()
        .chain(["ext4", "af_packet", "exfat"])
    {
        drivers.load(name);
    }
    // Busses show their devices only when their own drivers are there.
    while drivers.load_for_all() {}
    thread::Builder::new()
        .name("drivers".to_owned())
        .spawn(move || {
            loop {
                match events.next_alias() {
                    Ok(alias) => drivers.load_for(&alias),
                    Err(error) => {
                        say(&format!("cannot hear of new devices: {error}"));
                        thread::sleep(Duration::from_secs(10));
                    }
                }
                drivers.load_for_all();
            }
        })?;
    Ok(())
}

/// Counts this start; the count begins anew with the first healthy one.
fn count_start() -> anyhow::Result<u32> {
    let text = fs::read_to_string(STARTS).unwrap_or_default();
    let count = text.trim().parse::<u32>().unwrap_or(0).saturating_add(1);
    fs::write(STARTS, count.to_string()).context("cannot count this start")?;
    Ok(count)
}

/// The site file of the boot partition, or where that is damaged or gone the one read last.
fn read_site() -> Result<SiteFile, String> {
    let path = Path::new(layout::BOOT).join(layout::SITE_FILE);
    let (site, file) = match SiteFile::read(&path) {
        Ok(site) => (site, path),
        Err(error) => {
            let text = error_text(&error);
            match SiteFile::read(Path::new(KEPT_SITE_FILE)) {
                Ok(site) => {
                    say(&format!("{text}; the one read before is used"));
                    (site, PathBuf::from(KEPT_SITE_FILE))
                }
                Err(_) if !path.exists() => {
                    return Err(format!(
                        "there is no {} on the card: put the site's file there",
                        layout::SITE_FILE
                    ));
                }
                Err(_) => return Err(text),
            }
        }
    };
    if file != Path::new(KEPT_SITE_FILE)
        && let Err(error) = keep_site(&file, &site)
    {
        say(&format!("the site's files cannot be kept: {error:#}"));
    }
    Ok(site)
}

fn error_text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Copies what the site gave to the data partition.
fn keep_site(file: &Path, site: &SiteFile) -> anyhow::Result<()> {
    keep(file, Path::new(KEPT_SITE_FILE))?;
    site_file::overwrite_voucher(Path::new(KEPT_SITE_FILE))?;
    let folder = Path::new(layout::BOOT);
    let given = Path::new(layout::SITE);
    if let Some(policy) = &site.policy {
        keep(&folder.join(&policy.file), &given.join("policy.signed"))?;
        keep(&folder.join(&policy.isp_key), &given.join("isp.pub"))?;
        for (name, kept) in [
            (&policy.ledger_key, layout::LEDGER_KEY),
            (&policy.pseudonym_keys, layout::PSEUDONYM_KEYS),
        ] {
            if let Some(name) = name {
                keep(&folder.join(name), &given.join(kept))?;
            }
        }
    }
    if let Some(root) = &site.rules_root {
        keep(&folder.join(root), &given.join(layout::SITE_RULES_ROOT))?;
    }
    if let Some(key) = &site.report_key {
        keep(&folder.join(key), &given.join(layout::REPORT_KEY))?;
    }
    Ok(())
}

fn keep(from: &Path, to: &Path) -> anyhow::Result<()> {
    let length = fs::metadata(from)
        .with_context(|| format!("{} is missing", from.display()))?
        .len();
    if length > SITE_DOCUMENT_MAX_BYTES {
        anyhow::bail!("{} is too large", from.display());
    }
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    Ok(whole_file::replace(to, &bytes)?)
}

fn is_enrolled() -> bool {
    Path::new(layout::STATE)
        .join("identity/enrolment.json")
        .exists()
}

fn enrol_service(site: &SiteFile) -> Option<Service> {
    let voucher = site.voucher.as_deref()?;
    if is_enrolled() {
        forget_voucher();
        return None;
    }
    let name = site.name.as_deref().map(|name| ["--name", name]);
    let mut arguments = vec!["enroll", "--state", layout::STATE];
    arguments.extend(name.iter().flatten());
    arguments.push(voucher);
    Some(Service::new(&arguments, CapabilitySet::empty()))
}

fn forget_voucher() {
    let path = Path::new(layout::BOOT).join(layout::SITE_FILE);
    let overwritten =
        mounts::while_writable(layout::BOOT, || Ok(site_file::overwrite_voucher(&path)?));
    match overwritten {
        Ok(true) => say("the voucher on the card is overwritten"),
        Ok(false) => {}
        Err(error) => say(&format!(
            "the voucher on the card cannot be overwritten: {error:#}"
        )),
    }
}

/// When the centre last acknowledged something, by the wall clock; 0 for never.
fn last_acknowledgement() -> u64 {
    let Ok((text, true)) = services::run_as_user(&["status", "--json", "--state", layout::STATE])
    else {
        return 0;
    };
    let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    status
        .pointer("/outbox/last_ack_milliseconds")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(0)
}
