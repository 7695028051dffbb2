//! Sightings for other programs: CSV, a response policy zone, a set for nftables. Written only; nothing is enforced here.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use jiff::Timestamp;

use super::Sighting;

/// Names of one zone and addresses of one set.
const MAX_ENTRIES: usize = 100_000;

/// A table with a head line (RFC 4180).
#[must_use]
pub fn csv(sightings: &[Sighting], message: impl Fn(&str) -> String) -> String {
    let mut text = String::from(
        "subscriber,port,severity,rule,message,count,first,last,other,other_port,name\r\n",
    );
    for sighting in sightings {
        let fields = [
            sighting.subscriber.to_string(),
            sighting.port.to_string(),
            sighting.severity.to_string(),
            sighting.rule.clone(),
            message(&sighting.rule),
            sighting.count.to_string(),
            time(sighting.first),
            time(sighting.last),
            sighting.other.to_string(),
            sighting.other_port.to_string(),
            sighting.name.clone().unwrap_or_default(),
        ];
        let fields: Vec<_> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A field of CSV. One that a spreadsheet would take for a formula gets an apostrophe.
fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if is_formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// A response policy zone (RPZ) of the names that subscribers' infected machines asked for: grave findings only.
#[must_use]
pub fn rpz(sightings: &[Sighting], serial: u64) -> String {
    let serial = serial % u64::from(u32::MAX);
    let mut text = format!(
        "$TTL 300\n@ IN SOA localhost. root.localhost. {serial} 3600 600 86400 300\n@ IN NS localhost.\n"
    );
    let names =
        grave(sightings).filter_map(|sighting| sighting.name.as_deref().and_then(host_name));
    let names: BTreeSet<String> = names.take(MAX_ENTRIES).collect();
    for name in names {
        // Writing to a text does not fail.
        let _written = write!(text, "{name} IN CNAME .\n*.{name} IN CNAME .\n");
    }
    text
}

/// A name that may stand in a zone, without the dot at its end.
fn host_name(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_name = name.len() <= 240
        && name.contains('.')
        && name.split('.').all(is_label)
        && name.parse::<IpAddr>().is_err();
    is_name.then_some(name)
}

/// Sets of nftables with the addresses that subscribers' infected machines spoke to: grave findings only.
#[must_use]
pub fn nft_set(sightings: &[Sighting]) -> String {
    let others: BTreeSet<IpAddr> = grave(sightings)
        .map(|sighting| sighting.other)
        .take(MAX_ENTRIES)
        .collect();
    let mut text = String::from("table inet lapwing {\n");
    for (name, kind, is_ipv4) in [("seen4", "ipv4_addr", true), ("seen6", "ipv6_addr", false)] {
        let elements: Vec<_> = others
            .iter()
            .filter(|address| address.is_ipv4() == is_ipv4)
            .map(ToString::to_string)
            .collect();
        let elements = if elements.is_empty() {
            String::new()
        } else {
            format!("\t\telements = {{ {} }}\n", elements.join(", "))
        };
        text.push_str(&format!(
            "\tset {name} {{\n\t\ttype {kind}\n{elements}\t}}\n"
        ));
    }
    text.push_str("}\n");
    text
}

fn grave(sightings: &[Sighting]) -> impl Iterator<Item = &Sighting> {
    sightings.iter().filter(|sighting| sighting.severity == 1)
}

pub(super) fn time(milliseconds: u64) -> String {
    let second = i64::try_from(milliseconds / 1000).ok();
    let time = second.and_then(|second| Timestamp::from_second(second).ok());
    time.map_or_else(|| milliseconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn sighting(severity: u8, other: &str, name: &str) -> Sighting {
        Sighting {
            subscriber: "10.1.2.3".parse().unwrap(),
            port: 4711,
            other: other.parse().unwrap(),
            other_port: 443,
            rule: "1:9000200:1".to_owned(),
            severity,
            first: 1_800_000_000_000,
            last: 1_800_000_060_000,
            count: 3,
            name: Some(name.to_owned()),
        }
    }

    fn all() -> Vec<Sighting> {
        vec![
            sighting(1, "203.0.113.9", "malware.example"),
            sighting(1, "2001:db8::9", "EVIL.example."),
            sighting(1, "203.0.113.10", "a b.example"),
            sighting(1, "203.0.113.11", "x\nIN A 192.0.2.1.example"),
            sighting(3, "198.51.100.1", "harmless.example"),
        ]
    }

    #[test]
    fn tables_are_quoted() {
        let text = csv(&all(), |_| "=cmd, \"x\"".to_owned());
        let line = text.lines().nth(1).unwrap();
        assert!(line.contains("\"'=cmd, \"\"x\"\"\""), "{line}");
        assert!(line.starts_with("10.1.2.3,4711,1,1:9000200:1,"));
    }

    #[test]
    fn zones_hold_names_only() {
        let zone = rpz(&all(), 7);
        assert!(zone.contains("malware.example IN CNAME .\n*.malware.example IN CNAME .\n"));
        assert!(zone.contains("evil.example IN CNAME ."));
        assert!(!zone.contains("harmless") && !zone.contains("192.0.2.1") && !zone.contains("a b"));
        // A checker of the field, where it is installed.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zone");
        std::fs::write(&path, zone).unwrap();
        if let Ok(output) = Command::new("named-checkzone")
            .arg("rpz.local")
            .arg(path)
            .output()
        {
            assert!(output.status.success(), "{output:?}");
        }
    }

    #[test]
    fn sets_hold_addresses_by_family() {
        let set = nft_set(&all());
        assert!(
            set.contains("elements = { 203.0.113.9, 203.0.113.10, 203.0.113.11 }"),
            "{set}"
        );
        assert!(set.contains("elements = { 2001:db8::9 }") && !set.contains("198.51.100.1"));
        assert!(!nft_set(&[]).contains("elements"));
    }
}
