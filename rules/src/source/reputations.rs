//! Reputations of addresses, as `iprep` asks for them: a file of categories, and files that give addresses scores in them.
//!
//! | file | a line |
//! |---|---|
//! | categories | number (1 to 59), short name, what it is |
//! | reputations | address or network in CIDR notation, number of the category, score (0 to 127) |
//!
//! What an address has in a category, as in the reference (measured): where the address itself stands in a file, in whatever
//! category, its score in this one, 0 without one; else the score of the narrowest network that holds it; else none. Of two lines
//! about an address the last counts, of two about a network the first. Empty lines and lines that begin with `#` say nothing;
//! lines with mistakes are told and left out.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{
    groups::AddressSet,
    parser::Source,
    ranges::{Bounded, Ranges},
};
use crate::{
    diagnostic::{Diagnostic, Level},
    limits,
};

/// Highest number of a category; the reference has the same.
const CATEGORY_MAX: u8 = 59;
/// Highest score.
const SCORE_MAX: u8 = 127;

/// The reputations that rules can ask for.
#[derive(Clone, Debug, Default)]
pub struct Reputations {
    /// Numbers of categories by their short names; none where there is no file of categories.
    categories: Option<BTreeMap<String, u8>>,
    /// Addresses that stand in the files by themselves, with their scores by category.
    hosts: HashMap<IpAddr, BTreeMap<u8, u8>>,
    /// The networks of a category with their scores.
    networks: BTreeMap<u8, HashMap<IpNet, u8>>,
    /// What is wrong with the files.
    diagnostics: Vec<Diagnostic>,
    scores: usize,
}

impl Reputations {
    /// Reads a file of categories and files of reputations; what is wrong with them is told all at once.
    #[must_use]
    pub fn read(categories: &Source, files: &[Source]) -> Self {
        let mut reputations = Self {
            categories: Some(BTreeMap::new()),
            ..Self::default()
        };
        reputations.each_line(categories, Self::category);
        for file in files {
            reputations.each_line(file, Self::score);
        }
        reputations
    }

    /// What is wrong with the files, in the order of their lines.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether there are any.
    pub(crate) fn are_given(&self) -> bool {
        self.categories.is_some()
    }

    /// The number of a category.
    pub(crate) fn category_of(&self, name: &str) -> Option<u8> {
        self.categories.as_ref()?.get(name).copied()
    }

    /// The addresses that have a score in a category, and one that is asked for.
    pub(crate) fn addresses(&self, category: u8, is_wanted: impl Fn(u8) -> bool) -> AddressSet {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        let mut add = |network: IpNet, score: u8| {
            let is_in = is_wanted(score);
            match network {
                IpNet::V4(network) => ipv4.push(Scored {
                    first: u32::from(network.network()),
                    last: u32::from(network.broadcast()),
                    is_in,
                }),
                IpNet::V6(network) => ipv6.push(Scored {
                    first: u128::from(network.network()),
                    last: u128::from(network.broadcast()),
                    is_in,
                }),
            }
        };
        for (host, scores) in &self.hosts {
            let score = scores.get(&category).copied().unwrap_or(0);
            add(IpNet::from(*host), score);
        }
        for (network, score) in self.networks.get(&category).into_iter().flatten() {
            // An address that stands there by itself does not take the score of a network of its own.
            let is_host = network.prefix_len() == network.max_prefix_len();
            if !(is_host && self.hosts.contains_key(&network.addr())) {
                add(*network, *score);
            }
        }
        AddressSet {
            ipv4: narrowest(ipv4),
            ipv6: narrowest(ipv6),
            has_negation: false,
        }
    }

    /// The addresses that have no score in a category, or where `or_nothing` also those whose score is 0.
    pub(crate) fn addresses_without(&self, category: u8, or_nothing: bool) -> AddressSet {
        let with = self.addresses(category, |score| score > 0 || !or_nothing);
        AddressSet {
            ipv4: Ranges::all().without(&with.ipv4),
            ipv6: Ranges::all().without(&with.ipv6),
            has_negation: false,
        }
    }

    fn each_line(
        &mut self,
        file: &Source,
        read: impl Fn(&mut Self, &[&str]) -> Result<(), String>,
    ) {
        for (number, line) in (1_u32..).zip(file.bytes.split(|byte| *byte == b'\n')) {
            let text = String::from_utf8_lossy(line);
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = text.splitn(3, ',').map(str::trim).collect();
            if let Err(message) = read(self, &fields)
                && self.diagnostics.len() < limits::REPUTATION_MISTAKES
            {
                self.diagnostics.push(Diagnostic {
                    level: Level::Error,
                    code: "bad-reputation",
                    file: file.name.clone(),
                    line: number,
                    column: 1,
                    width: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
                    message,
                    hint: None,
                    sid: None,
                    source_line: text.into(),
                });
            }
        }
    }

    fn category(&mut self, fields: &[&str]) -> Result<(), String> {
        let [number, name, ..] = fields else {
            return Err("a line is number,short name,what it is".to_owned());
        };
        let number = number_of(number)?;
        if name.is_empty() {
            return Err("the category has no short name".to_owned());
        }
        self.categories
            .get_or_insert_default()
            .insert((*name).to_owned(), number);
        Ok(())
    }

    fn score(&mut self, fields: &[&str]) -> Result<(), String> {
        let [network, category, score] = fields else {
            return Err("a line is address,category,score".to_owned());
        };
        let category = number_of(category)?;
        let score = score
            .parse()
            .ok()
            .filter(|score| *score <= SCORE_MAX)
            .ok_or_else(|| format!("a score is 0 to {SCORE_MAX}"))?;
        if self.scores >= limits::REPUTATIONS {
            return Err(format!(
                "there are more than {} reputations",
                limits::REPUTATIONS
            ));
        }
        self.scores += 1;
        if let Ok(host) = network.parse::<IpAddr>() {
            self.hosts.entry(host).or_default().insert(category, score);
            return Ok(());
        }
        let network: IpNet = network
            .parse()
            .map_err(|_| format!("`{network}` is neither an address nor a network"))?;
        self.networks
            .entry(category)
            .or_default()
            .entry(network.trunc())
            .or_insert(score);
        Ok(())
    }
}

fn number_of(text: &str) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=CATEGORY_MAX).contains(number))
        .ok_or_else(|| format!("the number of a category is 1 to {CATEGORY_MAX}"))
}

/// A network, and whether its score is asked for.
struct Scored<T> {
    first: T,
    last: T,
    is_in: bool,
}

/// The addresses that the narrowest network which holds them puts in. Networks lie in each other or apart.
fn narrowest<T: Bounded>(mut networks: Vec<Scored<T>>) -> Ranges<T> {
    networks
        .sort_unstable_by(|one, other| one.first.cmp(&other.first).then(other.last.cmp(&one.last)));
    let mut found = Vec::new();
    // The networks around the place in hand, each with where of it nothing was said yet.
    let mut open: Vec<(Scored<T>, Option<T>)> = Vec::new();
    let close = |open: &mut Vec<(Scored<T>, Option<T>)>, found: &mut Vec<(T, T)>| {
        if let Some((network, from)) = open.pop() {
            if let Some(from) = from.filter(|from| network.is_in && *from <= network.last) {
                found.push((from, network.last));
            }
            if let Some((_, outer_from)) = open.last_mut() {
                *outer_from = network.last.next();
            }
        }
    };
    for network in networks {
        while open
            .last()
            .is_some_and(|(outer, _)| outer.last < network.first)
        {
            close(&mut open, &mut found);
        }
        if let Some((outer, from)) = open.last()
            && outer.is_in
            && let (Some(from), Some(before)) = (*from, network.first.previous())
            && from <= before
        {
            found.push((from, before));
        }
        let first = network.first;
        open.push((network, Some(first)));
    }
    while !open.is_empty() {
        close(&mut open, &mut found);
    }
    Ranges::union(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source {
            name: name.into(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn reputations(scores: &str) -> Reputations {
        Reputations::read(
            &source(
                "categories",
                "1,Bad,Hosts that are bad, and known\n\n# a note\n2,Good,\n",
            ),
            &[source("scores", scores)],
        )
    }

    fn ipv4(ranges: &AddressSet) -> Vec<String> {
        let text = |number: u32| std::net::Ipv4Addr::from(number).to_string();
        ranges
            .ipv4
            .as_slice()
            .iter()
            .map(|(first, last)| format!("{}-{}", text(*first), text(*last)))
            .collect()
    }

    #[test]
    fn the_narrowest_network_gives_the_score() {
        let known = reputations(
            "10.0.0.0/8,1,50\n10.1.0.0/16,1,90\n10.1.0.0/16,1,91\n10.1.2.3,1,70\n10.1.2.3,1,10\n10.2.0.1,2,100\n\
             2001:db8::/32,1,60\n",
        );
        assert_eq!(known.diagnostics(), []);
        assert_eq!(known.category_of("Bad"), Some(1));
        assert_eq!(
            ipv4(&known.addresses(1, |score| score > 50)),
            ["10.1.0.0-10.1.2.2", "10.1.2.4-10.1.255.255"]
        );
        assert_eq!(
            ipv4(&known.addresses(1, |score| (1..60).contains(&score))),
            [
                "10.0.0.0-10.0.255.255",
                "10.1.2.3-10.1.2.3",
                "10.2.0.0-10.2.0.0",
                "10.2.0.2-10.255.255.255"
            ]
        );
        assert_eq!(
            ipv4(&known.addresses(1, |score| score == 0)),
            ["10.2.0.1-10.2.0.1"]
        );
        assert_eq!(
            known
                .addresses(1, |score| score == 60)
                .ipv6
                .as_slice()
                .len(),
            1
        );
        assert_eq!(
            ipv4(&known.addresses_without(1, false)),
            ["0.0.0.0-9.255.255.255", "11.0.0.0-255.255.255.255"]
        );
        assert_eq!(ipv4(&known.addresses_without(1, true)).len(), 3);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let known =
            reputations("10.0.0.1,1\n300.0.0.1,1,1\n10.0.0.1,60,1\n10.0.0.1,1,128\n10.0.0.2,1,5\n");
        let told: Vec<(u32, &str)> = known
            .diagnostics()
            .iter()
            .map(|told| (told.line, told.message.as_str()))
            .collect();
        assert_eq!(told.len(), 4);
        assert_eq!(
            told[1],
            (2, "`300.0.0.1` is neither an address nor a network")
        );
        assert_eq!(ipv4(&known.addresses(1, |_| true)), ["10.0.0.2-10.0.0.2"]);
    }
}
