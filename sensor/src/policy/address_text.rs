//! Addresses that are written in text, wherever the text comes from: a header, a name, a file name.
//!
//! Recognized are: addresses in their usual text (RFC 4291, RFC 5952), also behind letters, before a port and at the end of a
//! sentence; four numbers joined by `.`, `,` (FTP's PORT), `-` or `_` (host names), with leading zeros, joined by `-` also in
//! reverse; all of that with percent-encoding; reverse names (`3.2.1.10.in-addr.arpa`, `….ip6.arpa`). Not recognized: one number
//! for the whole address, hexadecimal without separators, base64, UTF-16. A strict policy lets no free text out.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

/// Bytes of an address as text; longer runs of address characters are looked at in windows of this size.
const ADDRESS_TEXT_MAX_BYTES: usize = 46;
/// Labels of an address in `ip6.arpa`.
const NIBBLES_IN_IPV6: usize = 32;
/// Stands for several addresses that overlap in the text.
const OVERLAPPING: &[u8] = b"p~";

/// An address in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// The address.
    pub(super) address: IpAddr,
}

/// Every address that stands in the text. Places may overlap: where several readings are possible, each is told.
pub(super) fn addresses_in(text: &[u8]) -> Vec<Written> {
    let mut found = addresses_in_plain(text);
    if text.contains(&b'%') {
        let (decoded, places) = percent_decoded(text);
        let at = |place: usize| places.get(place).copied().unwrap_or(text.len());
        found.extend(
            addresses_in_plain(&decoded)
                .into_iter()
                .map(|written| Written {
                    range: at(written.range.start)..at(written.range.end),
                    ..written
                }),
        );
    }
    found
}

/// The text with other words in the given places. A place within another counts as that one; several that overlap become one.
pub(super) fn replace(text: &[u8], mut places: Vec<(Range<usize>, Vec<u8>)>) -> Vec<u8> {
    places.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut merged: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for (range, word) in places {
        match merged.last_mut() {
            Some((last, _)) if range.end <= last.end => {}
            Some((last, last_word)) if range.start < last.end => {
                last.end = range.end;
                *last_word = OVERLAPPING.to_vec();
            }
            _ => merged.push((range, word)),
        }
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for (range, word) in merged {
        out.extend_from_slice(text.get(at..range.start).unwrap_or_default());
        out.extend_from_slice(&word);
        at = range.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// A text that was cut at its end, without its last word: half an address is not recognized.
pub(crate) fn without_last_word(text: &[u8]) -> &[u8] {
    let is_word = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b',' | b'-' | b'_' | b'%')
    };
    let end = text.iter().rposition(|byte| !is_word(byte));
    text.get(..end.map_or(0, |end| end + 1)).unwrap_or_default()
}

fn addresses_in_plain(text: &[u8]) -> Vec<Written> {
    let mut found = Vec::new();
    runs(text, &mut found);
    joined_numbers(text, &mut found);
    reverse_names(text, &mut found);
    found
}

/// Resolves `%XX` once; beside the bytes the place of each in the text, and that of the end.
fn percent_decoded(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut decoded = Vec::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        places.push(at);
        let digit = |place: usize| char::from(*text.get(place)?).to_digit(16);
        let escaped = (*byte == b'%')
            .then(|| Some(digit(at + 1)? << 4 | digit(at + 2)?))
            .flatten();
        match escaped.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    places.push(text.len());
    (decoded, places)
}

/// Addresses in runs of hexadecimal digits, dots and colons. A port behind (`10.0.0.1:80`), a dot at the end of a sentence or
/// letters that happen to be digits (`a.10.0.0.1`, `a10.0.0.1`) must not hide one, so an address may begin and end wherever the
/// kind of character changes.
fn runs(text: &[u8], found: &mut Vec<Written>) {
    let mut at = 0;
    for run in text.split(|byte| !is_address_byte(*byte)) {
        addresses_in_run(run, at, found);
        at += run.len() + 1;
    }
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

fn addresses_in_run(run: &[u8], offset: usize, found: &mut Vec<Written>) {
    let boundaries = (0..=run.len()).filter(|at| {
        let before = at.checked_sub(1).and_then(|before| run.get(before));
        match (before, run.get(*at)) {
            (Some(before), Some(after)) => {
                is_separator(*before)
                    || is_separator(*after)
                    || before.is_ascii_digit() != after.is_ascii_digit()
            }
            _ => true,
        }
    });
    let boundaries = boundaries.collect::<Vec<_>>();
    for (index, start) in boundaries.iter().enumerate() {
        let ends = boundaries.iter().skip(index + 1);
        let ends = ends.take_while(|end| **end - start <= ADDRESS_TEXT_MAX_BYTES);
        for end in ends {
            let text = run
                .get(*start..*end)
                .and_then(|text| std::str::from_utf8(text).ok());
            if let Some(address) = text.and_then(|text| text.parse::<IpAddr>().ok()) {
                let range = offset + start..offset + end;
                found.push(Written { range, address });
            }
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'.' | b':')
}

/// Four numbers up to 255 with the same sign between them.
fn joined_numbers(text: &[u8], found: &mut Vec<Written>) {
    let mut numbers: Vec<(Range<usize>, u8)> = Vec::new();
    let mut at = 0;
    for run in text.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        let range = at..at + run.len();
        at = range.end;
        let digits = std::str::from_utf8(run).ok().filter(|_| run.len() <= 3);
        if let Some(value) = digits.and_then(|digits| digits.parse().ok()) {
            numbers.push((range, value));
        }
    }
    for four in numbers.windows(4) {
        let [(a, first), (b, second), (c, third), (d, fourth)] = four else {
            continue;
        };
        let gap = |left: &Range<usize>, right: &Range<usize>| {
            text.get(left.end..right.start).unwrap_or_default()
        };
        let sign = gap(a, b);
        let is_joined = matches!(sign, b"." | b"," | b"-" | b"_");
        if !is_joined || gap(b, c) != sign || gap(c, d) != sign {
            continue;
        }
        let range = a.start..d.end;
        let octets = [*first, *second, *third, *fourth];
        if sign == b"-" {
            let [a, b, c, d] = octets;
            found.push(Written {
                range: range.clone(),
                address: [d, c, b, a].into(),
            });
        }
        found.push(Written {
            range,
            address: octets.into(),
        });
    }
}

/// The address of each reverse name (`…in-addr.arpa`, `…ip6.arpa`) in the text.
fn reverse_names(text: &[u8], found: &mut Vec<Written>) {
    let lowered = text.to_ascii_lowercase();
    for (suffix, of_labels) in [
        (
            b".in-addr.arpa".as_slice(),
            ipv4_of_labels as fn(&[&[u8]]) -> Option<(usize, IpAddr)>,
        ),
        (b".ip6.arpa".as_slice(), ipv6_of_labels),
    ] {
        let places = lowered.windows(suffix.len()).enumerate();
        for (end, _) in places.filter(|(_, window)| *window == suffix) {
            let labels = labels_before(&lowered, end).take(NIBBLES_IN_IPV6);
            let labels = labels.collect::<Vec<_>>();
            let Some((used, address)) = of_labels(&labels) else {
                continue;
            };
            let bytes: usize = labels.iter().take(used).map(|label| label.len() + 1).sum();
            let start = end.saturating_sub(bytes.saturating_sub(1));
            let range = start..end + suffix.len();
            found.push(Written { range, address });
        }
    }
}

/// Labels from the right: the first is the first octet.
fn ipv4_of_labels(labels: &[&[u8]]) -> Option<(usize, IpAddr)> {
    let octet = |at: usize| {
        std::str::from_utf8(labels.get(at)?)
            .ok()?
            .parse::<u8>()
            .ok()
    };
    Some((
        4,
        IpAddr::from([octet(0)?, octet(1)?, octet(2)?, octet(3)?]),
    ))
}

fn ipv6_of_labels(labels: &[&[u8]]) -> Option<(usize, IpAddr)> {
    let nibble = |label: &&[u8]| match label {
        [digit] => char::from(*digit).to_digit(16),
        _ => None,
    };
    let nibbles = labels.iter().map_while(nibble).collect::<Vec<_>>();
    let value = nibbles
        .iter()
        .fold(0u128, |value, nibble| value << 4 | u128::from(*nibble));
    (nibbles.len() == NIBBLES_IN_IPV6).then(|| (NIBBLES_IN_IPV6, IpAddr::V6(Ipv6Addr::from(value))))
}

/// Labels of the name that ends before `end`, from the right.
fn labels_before(text: &[u8], end: usize) -> impl Iterator<Item = &[u8]> {
    let name = text.get(..end).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let start = name
        .iter()
        .rposition(|byte| !is_name(byte))
        .map_or(0, |at| at + 1);
    name.get(start..)
        .unwrap_or_default()
        .rsplit(|byte| *byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Networks;

    fn home() -> Networks {
        Networks::new(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:1::/48".parse().unwrap(),
        ])
    }

    fn named(text: &str) -> bool {
        let found = addresses_in(text.as_bytes());
        found.iter().any(|found| home().contains(found.address))
    }

    #[test]
    fn addresses_in_text_are_found() {
        for text in [
            "10.1.2.3",
            "http://10.1.2.3:8080/x",
            "for=\"[2001:db8:1::9]:80\"",
            "198.51.100.1, 10.9.8.7.",
            "ab.10.1.2.3",
            "1.10.1.2.3",
            "2001:DB8:1:0:0:0:0:1",
            "::ffff:10.0.0.1",
            "x 3.2.1.10.in-addr.arpa",
            "3.2.1.10.IN-ADDR.ARPA.",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            "PORT 10,1,2,3,4,5",
            "host-10-1-2-3.dsl.example",
            "3-2-1-10.pool.example",
            "10_1_2_3",
            "010.001.002.003",
            "x=10%2E1%2e2.3",
            "x=%31%30.1.2.3&y",
            "x=2001%3Adb8%3A1%3A%3A9",
        ] {
            assert!(named(text), "{text}");
        }
        for text in [
            "",
            "example.com",
            "192.0.2.1",
            "10.1.2",
            "version 1.2.3",
            "10.1-2.3",
            "1010.1.2.3",
        ] {
            assert!(!named(text), "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let places = |text: &str| {
            let found = addresses_in(text.as_bytes()).into_iter();
            let mut found: Vec<_> = found
                .map(|found| text.get(found.range).unwrap().to_owned())
                .collect();
            found.sort();
            found.dedup();
            found
        };
        assert_eq!(
            places("see 3.2.1.10.in-addr.arpa."),
            ["3.2.1.10", "3.2.1.10.in-addr.arpa"]
        );
        assert_eq!(places("a=10%2E1%2E2%2E3;"), ["10%2E1%2E2%2E3"]);
        // Shorter readings lie within the longest one.
        let readings = places("[2001:db8:1::9]:80");
        assert!(readings.contains(&"2001:db8:1::9".to_owned()));
        assert!(
            readings
                .iter()
                .all(|reading| "2001:db8:1::9".contains(reading))
        );
    }

    #[test]
    fn places_are_replaced_once() {
        let replaced = |places: &[(Range<usize>, &str)]| {
            let places = places
                .iter()
                .map(|(range, word)| (range.clone(), word.as_bytes().to_vec()));
            String::from_utf8(replace(b"0123456789", places.collect())).unwrap()
        };
        assert_eq!(replaced(&[]), "0123456789");
        assert_eq!(
            replaced(&[(5..7, "x"), (0..2, "ab"), (5..6, "y")]),
            "ab234x789"
        );
        assert_eq!(replaced(&[(1..4, "x"), (3..6, "y")]), "0p~6789");
    }

    #[test]
    fn a_cut_word_goes() {
        assert_eq!(without_last_word(b"GET /a?b=10.1.2."), b"GET /a?b=");
        assert_eq!(without_last_word(b"10.1.2."), b"");
    }

    proptest! {
        #[test]
        fn no_home_address_hides_between_other_text(before in "[a-z0-9 .:/-]{0,9}[ /=\\[,]", host: [u8; 3], after in "[ /:,\\]][a-z0-9 .:/-]{0,9}") {
            let [b, c, d] = host;
            let text = format!("{before}10.{b}.{c}.{d}{after}");
            prop_assert!(named(&text), "{}", text);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            for written in addresses_in(&bytes) {
                prop_assert!(written.range.start < written.range.end && written.range.end <= bytes.len());
            }
        }
    }
}
