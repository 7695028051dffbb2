//! A filter in one line: `severity:high,medium since:7d host:bad.example "repeated login"`.
//!
//! `key:value` pairs joined by AND, in any order, each key once; a value with spaces stands in double quotes. Words
//! without a key are looked for in the rule's message. There is no OR and no NOT: two links are clearer than one
//! clever line.

use super::RawFilter;

/// The keys, each with an example.
const KEYS: [(&str, &str); 8] = [
    ("severity", "high"),
    ("since", "24h"),
    ("until", "2026-05-01"),
    ("sensor", "NAME"),
    ("tenant", "NAME"),
    ("rule", "2001"),
    ("address", "192.0.2.0/24"),
    ("host", "bad.example"),
];

/// What may stand next in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The whole line with this in place.
    pub line: String,
    /// What it is, for people: the key's example, or nothing.
    pub hint: String,
}

/// Splits a line into words; a double quote begins and ends what is taken as it is.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    let mut is_open = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                is_open = true;
            }
            letter if letter.is_whitespace() && !is_quoted => {
                if is_open {
                    words.push(std::mem::take(&mut word));
                }
                is_open = false;
            }
            letter => {
                word.push(letter);
                is_open = true;
            }
        }
    }
    if is_quoted {
        return Err("query: a double quote is left open".to_owned());
    }
    if is_open {
        words.push(word);
    }
    Ok(words)
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<RawFilter, String> {
    let mut filter = RawFilter::default();
    let mut message = Vec::new();
    for word in words(line)? {
        match word.split_once(':') {
            Some((key, value)) if KEYS.iter().any(|(known, _)| *known == key) => {
                if value.is_empty() {
                    return Err(format!("query: {key}: lacks its value"));
                }
                if filter.pairs().any(|(known, _)| known == key) {
                    return Err(format!("query: {key}: stands twice; say it once"));
                }
                filter = filter.with(key, value);
            }
            Some((key, _))
                if key.bytes().all(|byte| byte.is_ascii_lowercase()) && !key.is_empty() =>
            {
                let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
                return Err(format!("query: {key}: is no key; say {}", known.join(", ")));
            }
            _ => message.push(word),
        }
    }
    if !message.is_empty() {
        if filter.rule.is_some() {
            let reason = "query: words besides rule: are not understood; say one of both";
            return Err(reason.to_owned());
        }
        filter.rule = Some(message.join(" "));
    }
    Ok(filter)
}

/// What may stand at the end of a line: keys, or values of the key begun. `values` names those of a key.
#[must_use]
pub fn complete(line: &str, values: impl Fn(&str) -> Vec<String>) -> Vec<Completion> {
    let start = line
        .char_indices()
        .rfind(|(_, letter)| letter.is_whitespace())
        .map_or(0, |(position, letter)| position + letter.len_utf8());
    let (before, last) = line.split_at(start);
    let completion = |text: String, hint: &str| Completion {
        line: format!("{before}{text}"),
        hint: hint.to_owned(),
    };
    match last.split_once(':') {
        None => KEYS
            .into_iter()
            .filter(|(key, _)| key.starts_with(last) && !before.contains(&format!("{key}:")))
            .map(|(key, example)| completion(format!("{key}:"), example))
            .collect(),
        Some((key, begun)) => {
            let known: Vec<String> = match key {
                "severity" => ["high", "medium", "low", "info"]
                    .map(str::to_owned)
                    .to_vec(),
                "since" | "until" => ["1h", "24h", "7d", "30d"].map(str::to_owned).to_vec(),
                key => values(key),
            };
            known
                .into_iter()
                .filter(|value| value.starts_with(begun))
                .take(20)
                .map(|value| {
                    let quoted = value.contains(char::is_whitespace);
                    let value = if quoted {
                        format!("\"{value}\"")
                    } else {
                        value
                    };
                    completion(format!("{key}:{value}"), "")
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_a_filter() {
        let filter = parse("severity:high since:7d  repeated \"login failures\"").unwrap();
        assert_eq!(filter.severity.as_deref(), Some("high"));
        assert_eq!(filter.rule.as_deref(), Some("repeated login failures"));
        assert_eq!(
            parse("sensor:\"a b\"").unwrap().sensor.as_deref(),
            Some("a b")
        );
        assert_eq!(
            parse("2001:db8::1").unwrap().rule.as_deref(),
            Some("2001:db8::1")
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (line, part) in [
            ("severity:", "lacks its value"),
            ("rule:1 rule:2", "stands twice"),
            ("colour:red", "is no key; say severity"),
            ("\"open", "left open"),
            ("rule:1 words", "one of both"),
        ] {
            assert!(parse(line).unwrap_err().contains(part), "{line}");
        }
    }

    #[test]
    fn the_line_wins_over_the_fields() {
        let raw = RawFilter {
            q: Some("severity:high".to_owned()),
            severity: Some("low".to_owned()),
            sensor: Some("isp-a".to_owned()),
            ..RawFilter::default()
        };
        let checked = raw.check(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(checked.severity.unwrap(), "high".parse().unwrap());
        assert_eq!(checked.sensor.as_deref(), Some("isp-a"));
    }

    #[test]
    fn the_end_of_a_line_is_completed() {
        let values = |key: &str| match key {
            "sensor" => vec!["isp-a".to_owned(), "isp b".to_owned()],
            _ => Vec::new(),
        };
        let lines = |line: &str| -> Vec<String> {
            complete(line, values)
                .into_iter()
                .map(|completion| completion.line)
                .collect()
        };
        assert_eq!(
            lines("severity:high s"),
            ["severity:high since:", "severity:high sensor:"]
        );
        assert_eq!(lines("sensor:isp"), ["sensor:isp-a", "sensor:\"isp b\""]);
        assert_eq!(lines("severity:hi"), ["severity:high"]);
        assert_eq!(lines("").len(), KEYS.len());
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(line in "\\PC{0,40}") {
            drop(parse(&line));
            drop(complete(&line, |_| vec![line.clone()]));
        }
    }
}
