//! `[uplink]` of `sensor.toml`: how the centre is reached, and what that may cost.

use std::{net::SocketAddr, time::Duration};

use super::{
    document::Section,
    file::{bytes, duration},
};

/// How the uplink reaches the centre, as written; what only the uplink understands it reads itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// What stands between this site and the world, as `http://HOST:PORT` or `socks5://HOST:PORT`.
    pub proxy: Option<String>,
    /// Bytes of a day, as the bill counts them.
    pub day_budget_bytes: Option<u64>,
    /// Bytes of a month, as the bill counts them.
    pub month_budget_bytes: Option<u64>,
    /// Percent of both that only critical findings may spend.
    pub critical_reserve_percent: Option<u8>,
    /// The highest rung of detail that this link is for.
    pub rung_max: Option<u8>,
    /// Hours in UTC in which only critical findings go, as `22:00-05:30`.
    pub quiet_hours: Vec<String>,
    /// Longest time between contacts where the link is not kept open.
    pub contact_interval: Option<Duration>,
    /// Whether keys are agreed without the part that withstands the machines of tomorrow.
    pub is_key_exchange_short: bool,
    /// Whether batches are compressed as much as can be.
    pub is_smallest: bool,
    /// Loopback address where metrics are told.
    pub metrics: Option<SocketAddr>,
    /// Addresses of the centre; none means those of the enrolment.
    pub centres: Vec<String>,
    /// Time between looks into the outbox.
    pub send_interval: Duration,
    /// Longest time between attempts while the centre cannot be reached.
    pub retry_max: Duration,
}

impl Uplink {
    /// Whether every byte counts.
    #[must_use]
    pub fn is_dear(&self) -> bool {
        self.day_budget_bytes.is_some()
            || self.month_budget_bytes.is_some()
            || self.contact_interval.is_some()
    }
}

/// Reads the section.
pub(super) fn uplink(section: &Section<'_>) -> Uplink {
    let percent = section.number("critical_reserve_percent", 0..=90);
    let rung = section.number("rung_max", 0..=2);
    let key_exchange = section.parsed("key_exchange", |text| match text {
        "hybrid" => Ok(false),
        "x25519" => Ok(true),
        _ => Err("must be \"hybrid\" or \"x25519\""),
    });
    let compression = section.parsed("compression", |text| match text {
        "light" => Ok(false),
        "smallest" => Ok(true),
        _ => Err("must be \"light\" or \"smallest\""),
    });
    let narrow = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    Uplink {
        proxy: section.text("proxy").map(str::to_owned),
        day_budget_bytes: bytes(section, "day_budget", 1..=1 << 50),
        month_budget_bytes: bytes(section, "month_budget", 1..=1 << 50),
        critical_reserve_percent: percent.map(narrow),
        rung_max: rung.map(narrow),
        quiet_hours: section
            .list("quiet_hours", |text| Ok::<_, String>(text.to_owned()))
            .unwrap_or_default(),
        contact_interval: duration(section, "contact_interval", 60..=30 * 86_400),
        is_key_exchange_short: key_exchange.unwrap_or(false),
        is_smallest: compression.unwrap_or(false),
        metrics: section.parsed("metrics", metrics),
        centres: section.list("centres", centre).unwrap_or_default(),
        send_interval: duration(section, "send_interval", 0..=86_400)
            .unwrap_or(Duration::from_secs(10)),
        retry_max: duration(section, "retry_max", 1..=86_400).unwrap_or(Duration::from_secs(300)),
    }
}

/// Counters name nothing of the traffic, but they are nobody's business beyond this machine.
fn metrics(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .ok()
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| {
            format!("`{text}` is not an address of this machine alone, as \"127.0.0.1:9464\"")
        })
}

fn centre(text: &str) -> Result<String, String> {
    let is_address = text.parse::<SocketAddr>().is_ok();
    let is_name = text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        !host.is_empty()
            && host.bytes().all(is_host_byte)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if is_address || is_name {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not HOST:PORT; write for example \"centre.example:7443\" or \"[2001:db8::1]:7443\""
        ))
    }
}
