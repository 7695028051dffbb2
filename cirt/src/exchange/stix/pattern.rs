//! Patterns of STIX (chapter 9 of the standard), as far as indicators go: one value, or several of which any will do.
//!
//! ```text
//! [ipv4-addr:value ISSUBSET '192.0.2.0/24']
//! [domain-name:value = 'a.example' OR url:value = 'http://b.example/x'] OR [domain-name:value IN ('c.example', 'd.example')]
//! ```
//!
//! What a table of values cannot hold (AND, FOLLOWEDBY, qualifiers, LIKE, MATCHES, NOT) is refused as a whole: half of a pattern would
//! match what its author did not mean.

use lapwing_rules::indicator::IndicatorKind;

use crate::exchange::indicator::Listed;
use crate::exchange::limits::{PATTERN_BYTES, PATTERN_VALUES};

/// The pattern of a value; none for kinds that the standard's objects have no property for.
#[must_use]
pub fn write(wanted: &Listed) -> Option<String> {
    let quoted = wanted.value.replace('\\', "\\\\").replace('\'', "\\'");
    let is_ipv6 = wanted.value.contains(':');
    Some(match wanted.kind {
        IndicatorKind::Address => {
            let kind = if is_ipv6 { "ipv6-addr" } else { "ipv4-addr" };
            let operator = if wanted.value.contains('/') {
                "ISSUBSET"
            } else {
                "="
            };
            format!("[{kind}:value {operator} '{quoted}']")
        }
        IndicatorKind::Domain | IndicatorKind::Host => format!("[domain-name:value = '{quoted}']"),
        IndicatorKind::Url => format!("[url:value = '{quoted}']"),
        IndicatorKind::Sha1 => format!("[x509-certificate:hashes.'SHA-1' = '{quoted}']"),
        IndicatorKind::Sha256 => format!("[x509-certificate:hashes.'SHA-256' = '{quoted}']"),
        IndicatorKind::Ja3 | IndicatorKind::Ja3s | IndicatorKind::Ja4 => return None,
    })
}

/// The values of a pattern.
///
/// # Errors
/// Why it cannot be used, in one clause.
pub fn read(text: &str) -> Result<Vec<Listed>, String> {
    if text.len() > PATTERN_BYTES {
        return Err(format!("the pattern is longer than {PATTERN_BYTES} bytes"));
    }
    let mut tokens = Tokens { rest: text };
    let mut found = Vec::new();
    loop {
        tokens.expect(Token::Open('['))?;
        loop {
            comparison(&mut tokens, &mut found)?;
            match tokens.next()? {
                Some(Token::Word("OR")) => {}
                Some(Token::Close(']')) => break,
                other => return Err(unusable(other)),
            }
        }
        match tokens.next()? {
            None => return Ok(found),
            Some(Token::Word("OR")) => {}
            other => return Err(unusable(other)),
        }
    }
}

fn comparison(tokens: &mut Tokens<'_>, found: &mut Vec<Listed>) -> Result<(), String> {
    let Some(Token::Word(path)) = tokens.next()? else {
        return Err("a property is missing".to_owned());
    };
    // The name of a hash stands in quotes inside the path.
    let hash = if path.ends_with('.') {
        match tokens.next()? {
            Some(Token::Text(name)) => name,
            other => return Err(unusable(other)),
        }
    } else {
        String::new()
    };
    let kind = kind_of(path, &hash)
        .ok_or_else(|| format!("`{path}{hash}` is nothing that sensors look for"))?;
    let mut add = |text: String| {
        if found.len() >= PATTERN_VALUES {
            return Err(format!(
                "the pattern names more than {PATTERN_VALUES} values"
            ));
        }
        found.push(Listed::parse(kind, &text).map_err(|problem| format!("`{text}`: {problem}"))?);
        Ok(())
    };
    match tokens.next()? {
        Some(Token::Word("=")) => {}
        Some(Token::Word("ISSUBSET")) if kind == IndicatorKind::Address => {}
        Some(Token::Word("IN")) => {
            tokens.expect(Token::Open('('))?;
            loop {
                match tokens.next()? {
                    Some(Token::Text(text)) => add(text)?,
                    other => return Err(unusable(other)),
                }
                match tokens.next()? {
                    Some(Token::Word(",")) => {}
                    Some(Token::Close(')')) => return Ok(()),
                    other => return Err(unusable(other)),
                }
            }
        }
        other => return Err(unusable(other)),
    }
    match tokens.next()? {
        Some(Token::Text(text)) => add(text),
        other => Err(unusable(other)),
    }
}

fn kind_of(path: &str, hash: &str) -> Option<IndicatorKind> {
    Some(match (path, hash) {
        ("ipv4-addr:value" | "ipv6-addr:value", "") => IndicatorKind::Address,
        ("network-traffic:dst_ref.value" | "network-traffic:src_ref.value", "") => {
            IndicatorKind::Address
        }
        ("domain-name:value", "") => IndicatorKind::Domain,
        ("url:value", "") => IndicatorKind::Url,
        ("x509-certificate:hashes.", "SHA-1") => IndicatorKind::Sha1,
        ("x509-certificate:hashes.", "SHA-256") => IndicatorKind::Sha256,
        _ => return None,
    })
}

fn unusable(token: Option<Token<'_>>) -> String {
    match token {
        None => "the pattern breaks off".to_owned(),
        Some(Token::Word(word)) => format!("`{word}` is more than a list of values can say"),
        Some(Token::Text(_)) => "a value stands where none belongs".to_owned(),
        Some(Token::Open(sign) | Token::Close(sign)) => {
            format!("`{sign}` stands where it does not belong")
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Open(char),
    Close(char),
    /// An operator, a keyword or the path of a property.
    Word(&'a str),
    /// What stood in single quotes.
    Text(String),
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn expect(&mut self, wanted: Token<'_>) -> Result<(), String> {
        match self.next()? {
            Some(found) if found == wanted => Ok(()),
            other => Err(unusable(other)),
        }
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, String> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let (token, length) = match first {
            '[' | '(' => (Token::Open(first), 1),
            ']' | ')' => (Token::Close(first), 1),
            '\'' => {
                let (text, length) = quoted(self.rest)?;
                (Token::Text(text), length)
            }
            ',' => self.word(1),
            '=' | '<' | '>' | '!' => {
                let length = self
                    .rest
                    .find(|sign| !matches!(sign, '=' | '<' | '>' | '!'));
                self.word(length.unwrap_or(self.rest.len()))
            }
            _ => {
                let ends = |sign: char| sign.is_whitespace() || "[]()',=<>!".contains(sign);
                self.word(self.rest.find(ends).unwrap_or(self.rest.len()))
            }
        };
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(Some(token))
    }

    fn word(&self, length: usize) -> (Token<'a>, usize) {
        (
            Token::Word(self.rest.get(..length).unwrap_or_default()),
            length,
        )
    }
}

/// The text in single quotes at the start, and how long it is with them.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((value, at + 1)),
            '\\' => match letters.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            _ => value.push(letter),
        }
    }
    Err("a value has no end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<String>, String> {
        read(text).map(|found| {
            found
                .into_iter()
                .map(|one| format!("{} {}", one.kind.name(), one.value))
                .collect()
        })
    }

    #[test]
    fn one_value_or_any_of_several() {
        assert_eq!(
            values("[ipv4-addr:value = '192.0.2.7']").unwrap(),
            ["address 192.0.2.7"]
        );
        assert_eq!(
            values("[ipv4-addr:value ISSUBSET '192.0.2.0/24'] OR [ domain-name:value='A.example' OR url:value = 'http://b.example/\\'x' ]").unwrap(),
            ["address 192.0.2.0/24", "domain a.example", "url http://b.example/'x"]
        );
        assert_eq!(
            values("[domain-name:value IN ('c.example', 'd.example')]").unwrap(),
            ["domain c.example", "domain d.example"]
        );
        let hash = "aa".repeat(32);
        assert_eq!(
            values(&format!("[x509-certificate:hashes.'SHA-256' = '{hash}']")).unwrap(),
            [format!("sha256 {hash}")]
        );
    }

    #[test]
    fn what_a_list_cannot_say_is_refused_whole() {
        for bad in [
            "",
            "[",
            "[]",
            "[domain-name:value]",
            "[domain-name:value = 'a.example'",
            "[domain-name:value = 'a.example",
            "[domain-name:value = 'a.example' AND url:value = 'http://b.example/']",
            "[domain-name:value LIKE '%.example']",
            "[domain-name:value != 'a.example']",
            "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
            "[domain-name:value = 'a.example'] WITHIN 5 SECONDS",
            "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
            "[ipv4-addr:value = '0.0.0.0/0']",
            "[domain-name:value = 'not a name']",
            "[domain-name:value IN ()]",
            "\u{e9}[domain-name:value = 'a.example']",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for (kind, value) in [
            (IndicatorKind::Address, "192.0.2.7"),
            (IndicatorKind::Address, "2001:db8::/32"),
            (IndicatorKind::Domain, "bad.example"),
            (IndicatorKind::Url, "http://bad.example/it's"),
            (
                IndicatorKind::Sha1,
                "aabbccddeeff00112233445566778899aabbccdd",
            ),
        ] {
            let wanted = Listed::parse(kind, value).unwrap();
            assert_eq!(read(&write(&wanted).unwrap()).unwrap(), [wanted]);
        }
    }
}
