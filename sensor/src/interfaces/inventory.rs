//! What interfaces there are: pnet's list, with what sysfs and ethtool know of each.

use std::{fs, path::Path};

use ipnet::IpNet;
use serde::{Serialize, Serializer};

use super::ethtool::{self, Offload};

/// `IFF_NOARP` of netdevice(7).
pub(super) const NO_ARP: u32 = 0x80;
/// `IFF_UP`.
pub(super) const UP: u32 = 0x1;

/// One interface.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether there is a link: a cable with something at the other end. Unknown while it is down.
    pub has_link: Option<bool>,
    /// Megabits a second, where there is a link that has a speed.
    pub speed_megabits: Option<u32>,
    /// The driver; none for interfaces without a device.
    pub driver: Option<String>,
    /// Its addresses.
    #[serde(serialize_with = "as_texts")]
    pub addresses: Vec<IpNet>,
    /// Offloads that join frames and are on; unknown where the kernel does not say.
    pub offloads: Option<Vec<Offload>>,
    /// Whether it asks for addresses of neighbours.
    pub has_arp: bool,
    /// Whether it speaks IPv6: router solicitations and the like.
    pub has_ipv6: bool,
}

impl Interface {
    /// Whether the machine never sends on it by itself.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.addresses.is_empty() && !self.has_arp && !self.has_ipv6
    }
}

/// All interfaces, by their numbers.
#[must_use]
pub fn all() -> Vec<Interface> {
    let mut interfaces = pnet_datalink::interfaces();
    interfaces.sort_by_key(|interface| interface.index);
    interfaces.iter().map(facts).collect()
}

/// What turns off the offloads of an interface that blur a capture; none where nothing does.
#[must_use]
pub fn offload_command(interface: &str) -> Option<String> {
    let active = ethtool::active(interface).ok()?;
    command(interface, &active)
}

fn command(interface: &str, offloads: &[Offload]) -> Option<String> {
    let switches: Vec<String> = offloads
        .iter()
        .map(|offload| format!("{} off", offload.ethtool_name()))
        .collect();
    (!switches.is_empty()).then(|| format!("ethtool -K {interface} {}", switches.join(" ")))
}

fn as_texts<S: Serializer>(addresses: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(addresses.iter().map(ToString::to_string))
}

fn facts(interface: &pnet_datalink::NetworkInterface) -> Interface {
    let name = interface.name.as_str();
    let addresses = interface.ips.iter();
    Interface {
        mac: interface.mac.map(|mac| mac.to_string()),
        is_up: interface.is_up(),
        has_link: sysfs(name, "carrier").map(|carrier| carrier == "1"),
        // Drivers without a speed say -1.
        speed_megabits: sysfs(name, "speed").and_then(|speed| speed.parse().ok()),
        driver: fs::read_link(folder(name).join("device/driver"))
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
        addresses: addresses
            .filter_map(|network| IpNet::new(network.ip(), network.prefix()).ok())
            .collect(),
        offloads: ethtool::active(name).ok(),
        has_arp: flags(name).is_none_or(|flags| flags & NO_ARP == 0),
        has_ipv6: fs::read_to_string(ipv6_switch(name)).is_ok_and(|off| off.trim() != "1"),
        name: interface.name.clone(),
    }
}

fn folder(interface: &str) -> std::path::PathBuf {
    Path::new("/sys/class/net").join(interface)
}

/// Holds 1 when the interface does not speak IPv6; not there in kernels without it.
pub(super) fn ipv6_switch(interface: &str) -> std::path::PathBuf {
    Path::new("/proc/sys/net/ipv6/conf")
        .join(interface)
        .join("disable_ipv6")
}

/// Where the flags of netdevice(7) can be read and set.
pub(super) fn flags_file(interface: &str) -> std::path::PathBuf {
    folder(interface).join("flags")
}

/// The flags now.
pub(super) fn flags(interface: &str) -> Option<u32> {
    let text = sysfs(interface, "flags")?;
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn sysfs(interface: &str, file: &str) -> Option<String> {
    let text = fs::read_to_string(folder(interface).join(file)).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there_and_is_not_quiet() {
        let interfaces = all();
        let loopback = interfaces
            .iter()
            .find(|interface| interface.name == "lo")
            .unwrap();
        assert_eq!(loopback.driver, None);
        assert!(!loopback.is_quiet());
    }

    #[test]
    fn the_command_names_what_is_on() {
        assert_eq!(command("eth1", &[]), None);
        assert_eq!(
            command("eth1", &[Offload::Lro, Offload::Gro]).as_deref(),
            Some("ethtool -K eth1 lro off gro off")
        );
    }
}
