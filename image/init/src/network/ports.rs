//! Which ports the board has, and which of them is for the network, which for the mirror.

use std::{fs, path::Path};

use crate::site_file::{Port, SiteFile};

/// A wired port, as the kernel names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WiredPort {
    pub(crate) name: String,
    pub(crate) card: [u8; 6],
}

/// The ports in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) management: Option<WiredPort>,
    pub(crate) capture: Vec<String>,
    /// What the site names and the board lacks.
    pub(crate) missing: Vec<String>,
}

/// All wired ports, by name.
pub(crate) fn wired() -> Vec<WiredPort> {
    let Ok(folders) = fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let mut ports: Vec<_> = folders
        .flatten()
        .filter_map(|entry| of_folder(&entry.path()))
        .collect();
    // eth2 before eth10.
    ports.sort_by_key(|port| (port.name.len(), port.name.clone()));
    ports
}

fn of_folder(folder: &Path) -> Option<WiredPort> {
    let is_wired = folder.join("device").exists()
        && !folder.join("phy80211").exists()
        && fs::read_to_string(folder.join("type")).ok()?.trim() == "1";
    let card = fs::read_to_string(folder.join("address")).ok()?;
    let Ok(Port::Card(card)) = card.trim().parse() else {
        return None;
    };
    is_wired.then(|| WiredPort {
        name: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        card,
    })
}

/// Gives the ports their roles: as the site says, else the first to the network and the others to the mirror.
pub(crate) fn roles(site: &SiteFile, ports: &[WiredPort]) -> Roles {
    let find = |wanted: &Port| ports.iter().find(|port| is(port, wanted));
    let named = || site.capture.iter().filter_map(find);
    let management = match &site.management.port {
        Some(wanted) => find(wanted),
        None => ports
            .iter()
            .find(|port| !named().any(|named| named == *port)),
    };
    let is_other = |port: &&WiredPort| Some(*port) != management;
    let capture: Vec<_> = if site.capture.is_empty() {
        ports.iter().filter(is_other).collect()
    } else {
        named().filter(is_other).collect()
    };
    let wanted = site.management.port.iter().chain(&site.capture);
    Roles {
        management: management.cloned(),
        capture: capture.into_iter().map(|port| port.name.clone()).collect(),
        missing: wanted
            .filter(|wanted| find(wanted).is_none())
            .map(Port::to_string)
            .collect(),
    }
}

fn is(port: &WiredPort, wanted: &Port) -> bool {
    match wanted {
        Port::Name(name) => port.name == *name,
        Port::Card(card) => port.card == *card,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site_file::parse;

    fn roles_of(site: &str) -> (Option<String>, Vec<String>, Vec<String>) {
        let ports = [0_u8, 1, 2].map(|number| WiredPort {
            name: format!("eth{number}"),
            card: [2, 0, 0, 0, 0, number],
        });
        let roles = roles(&parse(site).unwrap(), &ports);
        (
            roles.management.map(|port| port.name),
            roles.capture,
            roles.missing,
        )
    }

    #[test]
    fn ports_have_one_role() {
        let all = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let eth = |number: u8| Some(format!("eth{number}"));
        for (site, expected) in [
            ("", (eth(0), all(&["eth1", "eth2"]), vec![])),
            (
                "[capture]\nports = ['eth0']",
                (eth(1), all(&["eth0"]), vec![]),
            ),
            (
                "[management]\nport = '02:00:00:00:00:02'",
                (eth(2), all(&["eth0", "eth1"]), vec![]),
            ),
            (
                "[management]\nport = 'eth1'\n[capture]\nports = ['eth1', 'eth0']",
                (eth(1), all(&["eth0"]), vec![]),
            ),
            (
                "[management]\nport = 'eth7'\n[capture]\nports = ['eth8']",
                (None, vec![], all(&["eth7", "eth8"])),
            ),
        ] {
            assert_eq!(roles_of(site), expected, "{site}");
        }
    }
}
