//! `lapwing-cirt notify`: who answers for what, what they are told, and whether it helped.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use ipnet::IpNet;
use jiff::Timestamp;
use lapwing_cirt::exchange::Country;
use lapwing_cirt::exchange::limits::REGISTRY_LINES;
use lapwing_cirt::exchange::notify::{self, FIXED_AFTER, LANGUAGES};
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::store::Contact;

use super::export::producer;
use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Subcommand)]
enum NotifyCommand {
    /// Write down how a partner is reached and what it answers for
    Contact {
        peer: String,
        #[arg(long)]
        email: String,
        /// Of the text: en, fr, es, pt, ar or ru
        #[arg(long, default_value = "en")]
        language: String,
        /// A network, an AS number as AS64500, or sensor:NAME for the ends that its own policy hides; may be given several times
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// Public key for OpenPGP, armoured
        #[arg(long, value_name = "FILE")]
        openpgp: Option<PathBuf>,
    },
    /// Agree that a partner is written to
    Approve { peer: String },
    /// All contacts
    Contacts,
    /// Read the countries of networks from statistics of registries (`registry|CC|ipv4|start|count|…`)
    Countries {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Read prefixes and their AS numbers: `prefix AS` or `address length AS`, one a line
    AsNumbers { file: PathBuf },
    /// Sort new findings into notices, close what is fixed, and send what is due
    Send,
    /// The same without sending
    Gather,
    /// Notices and their state
    List {
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Read a delivery status notification: that recipient is written to no more until a person agrees again
    Bounce { file: PathBuf },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    let now = Timestamp::now();
    match &arguments.command {
        NotifyCommand::Contact {
            peer,
            email,
            language,
            scope,
            openpgp,
        } => {
            if !LANGUAGES.contains(&language.as_str()) {
                bail!(
                    "there are no texts in {language:?}: say one of {}",
                    LANGUAGES.join(", ")
                );
            }
            let contact = Contact {
                peer: peer.clone(),
                email: email.clone(),
                language: language.clone(),
                openpgp: openpgp.as_deref().map(read).transpose()?,
                scopes: scope.clone(),
                ..Contact::default()
            };
            store.set_contact(&actor(), &contact)?;
            line(&format!(
                "{peer} is reached at {email}; nothing is sent before: lapwing-cirt notify approve {peer}"
            ))?;
        }
        NotifyCommand::Approve { peer } => {
            store.approve_contact(&actor(), peer)?;
            line(&format!("{peer} may be written to"))?;
        }
        NotifyCommand::Contacts => {
            let mut table = Table::new(&[
                ("peer", Align::Left),
                ("address", Align::Left),
                ("language", Align::Left),
                ("state", Align::Left),
                ("OpenPGP", Align::Left),
                ("answers for", Align::Left),
            ]);
            for contact in store.contacts()? {
                let state = match (contact.bounced, contact.approved) {
                    (Some(_), _) => "bounced",
                    (None, Some(_)) => "approved",
                    (None, None) => "waits for approval",
                };
                table.row(vec![
                    contact.peer,
                    contact.email,
                    contact.language,
                    state.to_owned(),
                    if contact.openpgp.is_some() {
                        "yes"
                    } else {
                        "no"
                    }
                    .to_owned(),
                    contact.scopes.join(" "),
                ]);
            }
            line(&table.render())?;
        }
        NotifyCommand::Countries { files } => {
            let mut networks = Vec::new();
            for file in files {
                networks.extend(read(file)?.lines().filter_map(delegation));
                if networks.len() > REGISTRY_LINES {
                    bail!("more than {REGISTRY_LINES} networks");
                }
            }
            store.set_countries(&actor(), &networks)?;
            line(&format!("{} networks", networks.len()))?;
        }
        NotifyCommand::AsNumbers { file } => {
            let text = read(file)?;
            let prefixes: Vec<(IpNet, u32)> = text
                .lines()
                .filter_map(prefix)
                .take(REGISTRY_LINES)
                .collect();
            store.set_as_numbers(&actor(), &prefixes)?;
            line(&format!("{} prefixes", prefixes.len()))?;
        }
        NotifyCommand::Gather | NotifyCommand::Send => {
            let producer = producer(&folder)?;
            let (matched, seen) = notify::gather(&store, &producer, now)?;
            let fixed = store.close_fixed(FIXED_AFTER, now)?;
            line(&format!(
                "{seen} new findings, {matched} with somebody to tell; {fixed} notices are fixed"
            ))?;
            if matches!(arguments.command, NotifyCommand::Send) {
                let server = producer
                    .settings
                    .mail
                    .clone()
                    .context("exchange.toml names no mail server: add [mail]")?;
                let mut failed = 0;
                for sent in notify::send(&store, &producer, &server, now)? {
                    let outcome = sent.problem.as_deref().unwrap_or("sent");
                    failed += usize::from(sent.problem.is_some() && sent.findings > 0);
                    line(&format!(
                        "{}: {} findings, {outcome}",
                        sent.peer, sent.findings
                    ))?;
                }
                if failed > 0 {
                    bail!("{failed} mails did not leave; they are tried again");
                }
            }
        }
        NotifyCommand::List { limit } => {
            let mut table = Table::new(&[
                ("last seen", Align::Left),
                ("state", Align::Left),
                ("to", Align::Left),
                ("what", Align::Left),
                ("findings", Align::Right),
                ("mails", Align::Right),
                ("relapses", Align::Right),
                ("told", Align::Left),
            ]);
            for notice in store.notices(*limit)? {
                table.row(vec![
                    format!("{:.0}", notice.last),
                    notice.state,
                    notice.peer,
                    notice.subject,
                    notice.findings.to_string(),
                    notice.mails.to_string(),
                    notice.relapses.to_string(),
                    notice
                        .told
                        .map_or_else(|| "never".to_owned(), |time| format!("{time:.0}")),
                ]);
            }
            line(&table.render())?;
        }
        NotifyCommand::Bounce { file } => {
            let bounce = notify::read_bounce(&read(file)?)
                .context("that tells of no mail that failed for good")?;
            let reason = format!("{} {}", bounce.status, bounce.recipient);
            let peer = store.mail_bounced(&bounce.message_id, &reason, now)?;
            line(&format!("{peer} is written to no more: {reason}"))?;
        }
    }
    Ok(())
}

/// One line of a registry's statistics: of IPv4 the number of addresses, of IPv6 the length of the prefix.
fn delegation(line: &str) -> Option<(IpAddr, IpAddr, Country)> {
    let mut cells = line.split('|').skip(1);
    let country: Country = cells.next()?.parse().ok()?;
    let family = cells.next()?;
    let (first, size) = (cells.next()?, cells.next()?);
    match family {
        "ipv4" => {
            let first: Ipv4Addr = first.parse().ok()?;
            let last = u32::from(first).checked_add(size.parse::<u32>().ok()?.checked_sub(1)?)?;
            Some((first.into(), Ipv4Addr::from(last).into(), country))
        }
        "ipv6" => {
            let network: IpNet = format!("{first}/{size}").parse().ok()?;
            Some((network.network(), network.broadcast(), country))
        }
        _ => None,
    }
}

/// `192.0.2.0/24 64500`, `192.0.2.0 24 64500` or the same with commas; of several origins the first.
fn prefix(line: &str) -> Option<(IpNet, u32)> {
    let cells: Vec<&str> = line
        .split([',', ' ', '\t'])
        .filter(|cell| !cell.is_empty())
        .collect();
    let (network, asn) = match cells.as_slice() {
        [network, asn] => (network.parse().ok()?, *asn),
        [address, length, asn] => (format!("{address}/{length}").parse().ok()?, *asn),
        _ => return None,
    };
    let asn = asn
        .trim_start_matches("AS")
        .split('_')
        .next()?
        .parse()
        .ok()?;
    Some((network, asn))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_read() {
        let (first, last, country) =
            delegation("ripencc|EX|ipv4|192.0.2.0|512|20200101|allocated").unwrap();
        assert_eq!(
            (first.to_string(), last.to_string(), country.as_str()),
            ("192.0.2.0".into(), "192.0.3.255".into(), "EX")
        );
        let (first, last, _) =
            delegation("apnic|EX|ipv6|2001:db8::|32|20200101|allocated").unwrap();
        assert_eq!(
            (first.to_string(), last.to_string()),
            (
                "2001:db8::".into(),
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".into()
            )
        );
        for bad in [
            "2|ripencc|20200101|1|19830101|20200101|+0100",
            "ripencc|*|ipv4|*|1|summary",
            "x|EX|ipv4|255.255.255.0|512||",
            "x|EX|asn|64500|1|",
        ] {
            assert!(delegation(bad).is_none(), "{bad}");
        }
        assert_eq!(
            prefix("192.0.2.0\t24\t64500_64501"),
            Some(("192.0.2.0/24".parse().unwrap(), 64500))
        );
        assert_eq!(
            prefix("2001:db8::/32,AS64500"),
            Some(("2001:db8::/32".parse().unwrap(), 64500))
        );
        assert_eq!(prefix("# text"), None);
    }
}
