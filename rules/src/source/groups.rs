//! Address and port groups of a rule header: lists, nesting, negation, CIDR, ranges, variables.
//!
//! The set is what is positive and not negated; lists in lists are as one list, and a negated list is everything but what it leaves
//! itself, as in the reference (measured). A side of one IP version that has negations only begins with everything.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{problem::Problem, ranges::Ranges, syntax::Word, variables::Variables};
use crate::limits;

/// A resolved set of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressSet {
    pub(crate) ipv4: Ranges<u32>,
    pub(crate) ipv6: Ranges<u128>,
    /// Whether anything in it was negated: the reference treats such rules differently.
    pub(crate) has_negation: bool,
}

impl AddressSet {
    pub(crate) fn is_any(&self) -> bool {
        self.ipv4.is_all() && self.ipv6.is_all()
    }
}

/// A resolved set of ports.
pub(crate) type PortSet = Ranges<u16>;

/// One side (positive or negated) of a group while it is read.
#[derive(Default)]
struct Side {
    ipv4: Vec<(u32, u32)>,
    ipv6: Vec<(u128, u128)>,
    ports: Vec<(u16, u16)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Addresses,
    Ports,
}

struct Reader<'v> {
    kind: Kind,
    variables: &'v Variables,
    positive: Side,
    negative: Side,
    items: usize,
}

/// Resolves an address group.
pub(crate) fn addresses(word: &Word<'_>, variables: &Variables) -> Result<AddressSet, Problem> {
    let reader = read(Kind::Addresses, word, variables)?;
    let has_negation = !(reader.negative.ipv4.is_empty() && reader.negative.ipv6.is_empty());
    let ipv4 = resolve(reader.positive.ipv4, reader.negative.ipv4);
    let ipv6 = resolve(reader.positive.ipv6, reader.negative.ipv6);
    if ipv4.is_empty() && ipv6.is_empty() {
        return Err(empty_group(word, "address"));
    }
    Ok(AddressSet {
        ipv4,
        ipv6,
        has_negation,
    })
}

/// Resolves a port group.
pub(crate) fn ports(word: &Word<'_>, variables: &Variables) -> Result<PortSet, Problem> {
    let reader = read(Kind::Ports, word, variables)?;
    let ports = resolve(reader.positive.ports, reader.negative.ports);
    if ports.is_empty() {
        return Err(empty_group(word, "port"));
    }
    Ok(ports)
}

fn empty_group(word: &Word<'_>, what: &str) -> Problem {
    Problem::error(
        "empty-group",
        word.span(),
        format!("no {what} is left in `{}`", word.text()),
    )
    .hint("the negated part covers everything")
}

fn resolve<T: super::ranges::Bounded>(positive: Vec<(T, T)>, negative: Vec<(T, T)>) -> Ranges<T> {
    let negative = Ranges::union(negative);
    let positive = if positive.is_empty() && !negative.is_empty() {
        Ranges::all()
    } else {
        Ranges::union(positive)
    };
    positive.without(&negative)
}

fn read<'v>(kind: Kind, word: &Word<'_>, variables: &'v Variables) -> Result<Reader<'v>, Problem> {
    let mut reader = Reader {
        kind,
        variables,
        positive: Side::default(),
        negative: Side::default(),
        items: 0,
    };
    let code = match kind {
        Kind::Addresses => "bad-address",
        Kind::Ports => "bad-port",
    };
    reader
        .group(word.text(), 0)
        .map_err(|message| Problem::error(code, word.span(), message))?;
    Ok(reader)
}

impl Reader<'_> {
    fn group(&mut self, text: &str, depth: usize) -> Result<(), String> {
        if depth > limits::GROUP_DEPTH {
            return Err(format!("`{text}` is nested too deeply"));
        }
        let text = text.trim();
        let items = split_list(text)?;
        if items.len() > 1 {
            for item in items {
                if item.trim().is_empty() {
                    return Err(format!("`{text}` has an empty item"));
                }
                self.group(item, depth + 1)?;
            }
            return Ok(());
        }
        if let Some(rest) = text.strip_prefix('!') {
            return self.negated(rest.trim(), depth + 1);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner
                .strip_suffix(']')
                .ok_or_else(|| format!("`{text}` does not end in `]`"))?;
            if inner.trim().is_empty() {
                return Err(format!("`{text}` is empty"));
            }
            return self.group(inner, depth + 1);
        }
        if let Some(name) = text.strip_prefix('$') {
            let value = match self.kind {
                Kind::Addresses => self.variables.address(name),
                Kind::Ports => self.variables.port(name),
            };
            let value = value.ok_or_else(|| {
                let what = match self.kind {
                    Kind::Addresses => "address",
                    Kind::Ports => "port",
                };
                format!("the {what} variable `${name}` is not defined")
            })?;
            return self.group(value, depth + 1);
        }
        self.item(text)
    }

    /// Everything but a group: what the group leaves out itself is in it again.
    fn negated(&mut self, text: &str, depth: usize) -> Result<(), String> {
        if text.eq_ignore_ascii_case("any") {
            return Err("`!any` matches nothing".to_owned());
        }
        let mut inner = Reader {
            kind: self.kind,
            variables: self.variables,
            positive: Side::default(),
            negative: Side::default(),
            items: self.items,
        };
        inner.group(text, depth)?;
        self.items = inner.items;
        let (positive, negative) = (inner.positive, inner.negative);
        let ipv4 = resolve(positive.ipv4, negative.ipv4);
        let ipv6 = resolve(positive.ipv6, negative.ipv6);
        let ports = resolve(positive.ports, negative.ports);
        self.negative.ipv4.extend_from_slice(ipv4.as_slice());
        self.negative.ipv6.extend_from_slice(ipv6.as_slice());
        self.negative.ports.extend_from_slice(ports.as_slice());
        Ok(())
    }

    fn item(&mut self, text: &str) -> Result<(), String> {
        self.items += 1;
        if self.items > limits::SET_RANGES {
            return Err("the group has too many items".to_owned());
        }
        match self.kind {
            Kind::Addresses => add_address(&mut self.positive, text),
            Kind::Ports => add_port(&mut self.positive, text),
        }
    }
}

/// Splits at commas outside of brackets.
fn split_list(text: &str) -> Result<Vec<&str>, String> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (position, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| format!("`{text}` has a `]` too many"))?;
            }
            ',' if depth == 0 => {
                items.push(text.get(start..position).unwrap_or_default());
                start = position + 1;
            }
            _ => {}
        }
    }
    items.push(text.get(start..).unwrap_or_default());
    Ok(items)
}

fn add_address(side: &mut Side, text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("any") {
        side.ipv4.push((0, u32::MAX));
        side.ipv6.push((0, u128::MAX));
        return Ok(());
    }
    let wrong = || format!("`{text}` is no address, network or range of addresses");
    let (first, last) = if let Some((first, last)) = text.split_once('-') {
        let parse = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| wrong());
        (parse(first)?, parse(last)?)
    } else if text.contains('/') {
        let network = parse_network(text).ok_or_else(wrong)?;
        (network.network(), network.broadcast())
    } else {
        let address = text.parse::<IpAddr>().map_err(|_| wrong())?;
        (address, address)
    };
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
            side.ipv4.push((first.into(), last.into()));
        }
        (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
            side.ipv6.push((first.into(), last.into()));
        }
        _ => return Err(format!("`{text}` is no range: its ends do not ascend")),
    }
    Ok(())
}

/// `address/bits`, or `address/netmask` for IPv4.
fn parse_network(text: &str) -> Option<IpNet> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.trim().parse().ok()?;
    let bits = match bits.trim().parse::<Ipv4Addr>() {
        Ok(mask) => ipnet::ip_mask_to_prefix(IpAddr::V4(mask)).ok()?,
        Err(_) => bits.trim().parse().ok()?,
    };
    IpNet::new(address, bits).ok()
}

fn add_port(side: &mut Side, text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("any") {
        side.ports.push((0, u16::MAX));
        return Ok(());
    }
    let parse = |text: &str, empty: u16| match text.trim() {
        "" => Ok(empty),
        text => text
            .parse::<u16>()
            .map_err(|_| format!("`{text}` is no port (0 to 65535)")),
    };
    let (first, last) = match text.split_once(':') {
        Some((first, last)) => (parse(first, 0)?, parse(last, u16::MAX)?),
        None => {
            let port = text
                .parse::<u16>()
                .map_err(|_| format!("`{text}` is no port (0 to 65535)"))?;
            (port, port)
        }
    };
    if first > last {
        return Err(format!("`{text}` is no range: its ends do not ascend"));
    }
    side.ports.push((first, last));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word<'_> {
        Word {
            bytes: text.as_bytes(),
            start: 0,
        }
    }

    fn ports_of(text: &str) -> Result<Vec<(u16, u16)>, String> {
        ports(&word(text), &Variables::default())
            .map(|set| set.as_slice().to_vec())
            .map_err(|problem| problem.message)
    }

    #[test]
    fn ports_nest_and_negate() {
        assert_eq!(ports_of("any"), Ok(vec![(0, 65535)]));
        assert_eq!(ports_of("!80"), Ok(vec![(0, 79), (81, 65535)]));
        assert_eq!(
            ports_of("[1:100,!$HTTP_PORTS, ![90:95]]"),
            Ok(vec![(1, 79), (81, 89), (96, 100)])
        );
        assert_eq!(ports_of(":1024"), Ok(vec![(0, 1024)]));
        assert_eq!(
            ports_of("$FILE_DATA_PORTS"),
            Ok(vec![(80, 80), (110, 110), (143, 143)])
        );
        for wrong in [
            "[80,!80]", "!any", "65536", "[80", "80:70", "$NO_SUCH", "[80,,81]",
        ] {
            assert!(ports_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_keep_the_versions_apart() {
        let set = |text: &str| addresses(&word(text), &Variables::default());
        let without_home = set("!$HOME_NET").unwrap();
        assert!(without_home.has_negation && !without_home.ipv4.is_all());
        assert!(
            without_home.ipv6.is_empty(),
            "a negation of IPv4 says nothing of IPv6"
        );
        assert!(set("any").unwrap().is_any());
        let mixed = set("[10.0.0.0/255.0.0.0,2001:db8::/32,!10.1.0.0-10.1.0.9]").unwrap();
        assert_eq!(mixed.ipv4.as_slice().len(), 2);
        assert_eq!(mixed.ipv6.as_slice().len(), 1);
        for wrong in ["10.0.0.0/33", "1.2.3", "!any", "[10.0.0.1,!10.0.0.0/8]"] {
            assert!(set(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_negated_group_is_everything_but_what_it_leaves() {
        let mut variables = Variables::default();
        variables.set_address("HOME_NET", "[10.0.0.0/8,!10.1.0.0/16]");
        variables.set_address("EXTERNAL_NET", "!$HOME_NET");
        let holds = |text: &str, address: &str| {
            let address: u32 = address.parse::<Ipv4Addr>().unwrap().into();
            let set = addresses(&word(text), &variables).unwrap();
            set.ipv4
                .as_slice()
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&address))
        };
        // Each as Suricata 7.0.10 has it.
        for (text, inside, outside) in [
            (
                "$EXTERNAL_NET",
                &["10.1.0.5", "192.0.2.9"][..],
                &["10.2.0.5"][..],
            ),
            (
                "[192.0.2.0/24,!$HOME_NET]",
                &["192.0.2.9"],
                &["10.1.0.5", "10.2.0.5"],
            ),
            ("![!10.1.0.0/16]", &["10.1.0.5"], &["10.2.0.5", "192.0.2.9"]),
            (
                "[10.0.0.0/8,![10.1.0.0/16,!10.1.7.0/24]]",
                &["10.2.0.5", "10.1.7.7"],
                &["10.1.0.5", "192.0.2.9"],
            ),
        ] {
            assert!(inside.iter().all(|address| holds(text, address)), "{text}");
            assert!(
                !outside.iter().any(|address| holds(text, address)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_variable_that_names_itself_ends() {
        let mut variables = Variables::default();
        variables.set_address("LOOP", "$LOOP");
        assert!(addresses(&word("$LOOP"), &variables).is_err());
    }
}
