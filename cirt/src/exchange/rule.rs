//! Rules of Suricata that came as indicators: they must compile, and they run under a number of ours.

use lapwing_rules::source::Source;
use lapwing_rules::{Level, Settings, compile};

use super::limits::RULE_BYTES;

/// Numbers of rules that came from others begin here: theirs may be taken already, by rules of ours or of another peer.
const FIRST_SID: u32 = 2_100_000_000;

/// A rule as it is kept.
///
/// # Errors
/// Why it cannot be used, in one clause.
pub(super) fn check(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() > RULE_BYTES {
        return Err(format!("the rule is longer than {RULE_BYTES} bytes"));
    }
    if text.contains(['\n', '\r']) {
        return Err("it is more than one line".to_owned());
    }
    let compiled = compile(&[source("rule", text)], &Settings::default());
    let mistake = compiled
        .diagnostics
        .iter()
        .find(|one| one.level == Level::Error);
    if let Some(mistake) = mistake {
        return Err(mistake.message.clone());
    }
    if compiled.counts.compiled != 1 {
        return Err("the sensors cannot run this rule".to_owned());
    }
    Ok(text.to_owned())
}

/// The number under which the rule of an indicator runs.
#[must_use]
pub fn sid_of(number: u32) -> u32 {
    FIRST_SID.saturating_add(number)
}

/// The indicator whose rule runs under a number.
#[must_use]
pub fn number_of(sid: u32) -> Option<u32> {
    sid.checked_sub(FIRST_SID).filter(|number| *number > 0)
}

/// The rule under its number of ours.
#[must_use]
pub fn renumbered(text: &str, number: u32) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len() + 12);
    let mut quoted = false;
    while let Some(letter) = rest.chars().next() {
        if !quoted && let Some(after) = rest.strip_prefix("sid:") {
            let end = after.find(';').unwrap_or(after.len());
            out.push_str(&format!("sid:{}", sid_of(number)));
            rest = after.get(end..).unwrap_or_default();
            continue;
        }
        if letter == '\\' {
            out.push(letter);
            rest = rest.get(1..).unwrap_or_default();
            let Some(escaped) = rest.chars().next() else {
                break;
            };
            out.push(escaped);
            rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
            continue;
        }
        quoted ^= letter == '"';
        out.push(letter);
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A source of rules for the compiler.
pub(super) fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.into(),
        bytes: format!("{text}\n").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"alert http any any -> any any (msg:"a sid:1 in \"text\""; content:"sid\:2"; sid:7; rev:3;)"#;

    #[test]
    fn only_the_number_changes() {
        assert_eq!(
            renumbered(RULE, 5),
            r#"alert http any any -> any any (msg:"a sid:1 in \"text\""; content:"sid\:2"; sid:2100000005; rev:3;)"#
        );
        assert_eq!(number_of(sid_of(5)), Some(5));
        assert_eq!(number_of(7), None);
    }

    #[test]
    fn rules_must_compile() {
        assert_eq!(check(RULE).unwrap(), RULE);
        for bad in [
            "",
            "alert",
            "alert http any any -> any any (msg:\"x\"; nonsense:1; sid:1;)",
            "a\nb",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
