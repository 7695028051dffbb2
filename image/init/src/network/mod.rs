//! The management port: its address, the way out, the time. All of it in threads of its own, so that a network that is not
//! there holds nothing up. Capture ports are not touched here.

mod dhcp;
mod ports;
mod routes;
mod time_servers;

use std::{
    fs, io,
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use dhcp::Lease;
use ipnet::IpNet;
use ports::{Roles, WiredPort};
use routes::Routes;
use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};

use crate::{clock, console::say, limits::SERVERS_MAX, site_file::SiteFile};

/// Where the root's `/etc/resolv.conf` leads.
pub(crate) const NAME_SERVERS_FILE: &str = "/run/resolv.conf";
/// The sensor takes the clock for right while this exists; systemd's own time client makes it elsewhere.
const TIME_SERVER_MARK: &str = "/run/systemd/timesync/synchronized";
/// Between looks for a port or a cable.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// After nobody gave an address.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Between questions for the time, before and after the first answer.
const TIME_RETRY: Duration = Duration::from_secs(15);
const TIME_INTERVAL: Duration = Duration::from_secs(1800);
/// A clock that is this close is left alone.
const CLOSE_ENOUGH_SECONDS: u64 = 2;

/// What is known of the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkState {
    /// Name of the management port.
    pub(crate) port: Option<String>,
    /// Names of the capture ports.
    pub(crate) capture: Vec<String>,
    /// What the site names and the board lacks.
    pub(crate) missing: Vec<String>,
    /// Whether a cable is in the management port.
    pub(crate) has_link: bool,
    /// Its address.
    pub(crate) address: Option<IpNet>,
    /// What is wrong.
    pub(crate) problem: Option<String>,
    /// Who told the time, if somebody did.
    pub(crate) time_server: Option<IpAddr>,
    /// Who can be asked for it.
    time_servers: Vec<IpAddr>,
}

/// The network, looked after by two threads.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<NetworkState>>);

impl Network {
    /// Begins to look after it.
    pub(crate) fn start(site: &SiteFile, built_seconds: u64) -> anyhow::Result<Self> {
        fs::write(NAME_SERVERS_FILE, "").context("cannot write the name servers")?;
        // The folder is there before the sensor gives up its rights, so that it may look into it.
        fs::create_dir_all(Path::new(TIME_SERVER_MARK).with_file_name(""))?;
        let network = Self(Arc::default());
        let (own, site) = (network.clone(), site.clone());
        thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || own.look_after(&site))?;
        let own = network.clone();
        thread::Builder::new()
            .name("time".to_owned())
            .spawn(move || own.keep_time(built_seconds))?;
        Ok(network)
    }

    /// What is known now.
    pub(crate) fn state(&self) -> NetworkState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, NetworkState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_after(&self, site: &SiteFile) {
        loop {
            let port = self.find_ports(site);
            if let Err(error) = self.bring_up(site, &port) {
                say(&format!("network: {error:#}"));
                let mut state = self.lock();
                state.address = None;
                state.problem = Some(format!("{error:#}"));
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Waits until the management port is there.
    fn find_ports(&self, site: &SiteFile) -> WiredPort {
        loop {
            let roles = ports::roles(site, &ports::wired());
            self.note_roles(&roles);
            if let Some(port) = roles.management {
                return port;
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    fn note_roles(&self, roles: &Roles) {
        let mut state = self.lock();
        let port = roles.management.as_ref().map(|port| port.name.clone());
        state.port = port;
        state.capture.clone_from(&roles.capture);
        state.missing.clone_from(&roles.missing);
    }

    /// Gives the port its address and keeps it. Ends only with an error.
    fn bring_up(&self, site: &SiteFile, port: &WiredPort) -> anyhow::Result<()> {
        let routes = Routes::open()?;
        let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
        let number = name_to_index(&any, &port.name)
            .with_context(|| format!("port {} is gone", port.name))?;
        routes
            .bring_up(number)
            .with_context(|| format!("cannot bring {} up", port.name))?;
        self.wait_for_link(site, port)?;
        let mut before: Option<Lease> = None;
        loop {
            let management = &site.management;
            let lease = match management.address {
                Some(address) => fixed(site, address),
                None => dhcp::ask(port, before.as_ref())?,
            };
            if let Some(old) = before.take().filter(|old| old.address != lease.address) {
                routes.remove_address(number, old.address)?;
            }
            routes
                .add_address(number, lease.address)
                .with_context(|| format!("cannot use the address {}", lease.address))?;
            if let Some(gateway) = lease.gateway {
                routes
                    .set_gateway(number, gateway)
                    .with_context(|| format!("cannot use the gateway {gateway}"))?;
            }
            let or_given = |own: &[IpAddr], given: &[IpAddr]| match own {
                [] => given.to_vec(),
                own => own.to_vec(),
            };
            write_name_servers(&or_given(&management.name_servers, &lease.name_servers))?;
            {
                let mut state = self.lock();
                if state.address != Some(lease.address) {
                    say(&format!(
                        "network: {} has the address {}",
                        port.name, lease.address
                    ));
                }
                state.address = Some(lease.address);
                state.problem = None;
                state.time_servers = or_given(&management.time_servers, &lease.time_servers);
            }
            self.keep(site, port, &lease)?;
            before = Some(lease);
        }
    }

    fn wait_for_link(&self, site: &SiteFile, port: &WiredPort) -> anyhow::Result<()> {
        let begin = Instant::now();
        while !has_link(&port.name) {
            self.note_link(site, port, false)?;
            if begin.elapsed() > RETRY_PAUSE {
                self.lock().problem = Some(format!("no cable in {}", port.name));
            }
            thread::sleep(LOOK_INTERVAL);
        }
        self.note_link(site, port, true)
    }

    /// Notes the cable and what ports there are by now; an error when the management port is gone.
    fn note_link(&self, site: &SiteFile, port: &WiredPort, has: bool) -> anyhow::Result<()> {
        let roles = ports::roles(site, &ports::wired());
        self.note_roles(&roles);
        self.lock().has_link = has;
        if roles.management.as_ref() != Some(port) {
            anyhow::bail!("port {} is gone", port.name);
        }
        Ok(())
    }

    /// Returns when the lease must be renewed.
    fn keep(&self, site: &SiteFile, port: &WiredPort, lease: &Lease) -> anyhow::Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < lease.renew_after {
            self.note_link(site, port, has_link(&port.name))?;
            thread::sleep(LOOK_INTERVAL * 4);
        }
        Ok(())
    }

    fn keep_time(&self, built_seconds: u64) {
        loop {
            let (servers, has_address) = {
                let state = self.lock();
                (state.time_servers.clone(), state.address.is_some())
            };
            let mut pause = if has_address {
                TIME_RETRY
            } else {
                LOOK_INTERVAL
            };
            for server in servers.into_iter().take(SERVERS_MAX) {
                match time_servers::ask(server, built_seconds) {
                    Ok(seconds) => {
                        self.take_time(server, seconds);
                        pause = TIME_INTERVAL;
                        break;
                    }
                    Err(error) => say(&format!("time: {server}: {error:#}")),
                }
            }
            thread::sleep(pause);
        }
    }

    fn take_time(&self, server: IpAddr, seconds: u64) {
        let off = clock::now_seconds().abs_diff(seconds);
        if off > CLOSE_ENOUGH_SECONDS {
            match clock::set(seconds) {
                Ok(()) => say(&format!("time: the clock was {off} s off, set by {server}")),
                Err(error) => say(&format!("time: {error:#}")),
            }
        }
        if let Err(error) = fs::write(TIME_SERVER_MARK, "") {
            say(&format!("time: the sensor cannot be told: {error}"));
        }
        self.lock().time_server = Some(server);
    }
}

fn fixed(site: &SiteFile, address: IpNet) -> Lease {
    Lease {
        address,
        gateway: site.management.gateway,
        name_servers: Vec::new(),
        time_servers: Vec::new(),
        server: std::net::Ipv4Addr::UNSPECIFIED,
        renew_after: Duration::MAX,
        ends_after: Duration::MAX,
    }
}

/// Written in its place: a confined process knows the file by itself and not by its name.
fn write_name_servers(servers: &[IpAddr]) -> anyhow::Result<()> {
    let lines = servers
        .iter()
        .map(|server| format!("nameserver {server}\n"));
    fs::write(NAME_SERVERS_FILE, lines.collect::<String>()).context("cannot write the name servers")
}

fn has_link(port: &str) -> bool {
    let carrier = fs::read_to_string(format!("/sys/class/net/{port}/carrier"));
    carrier.is_ok_and(|text| text.trim() == "1")
}

/// Random bytes of the kernel.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    use std::io::Read;

    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
