//! The canonical layout of rule files: one look for all, the same rules.
//!
//! White space between words is made uniform, lists inside values too; no word is changed, nothing changes its place. A rule on one
//! line stays on one line; one that goes over several lines gets an option a line, with the modifiers of a content behind it.
//! Comments stay, rules that are switched off are laid out as the others behind `# `, runs of empty lines become one. What cannot
//! be read as a rule is left as it is, so a mistake is never made worse. Line ends become LF.
//!
//! The layout of a layout is itself, and both compile to the same pack.

use crate::source::{
    LogicalLines, disabled_rule, is_read,
    keyword_table::{self, Keyword},
    syntax::{RuleOption, RuleSyntax, Word},
    values,
};

/// What the lines of a rule that goes over several begin with.
const INDENT: &[u8] = b"    ";

/// A rule file in its canonical layout.
#[must_use]
pub fn lay_out(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut laid_out = Vec::with_capacity(text.len());
    let mut lines = LogicalLines::new(text);
    let mut is_gap_pending = false;
    loop {
        let before = lines.remaining();
        let Some(line) = lines.next() else { break };
        let trimmed = line.bytes.trim_ascii();
        if trimmed.is_empty() {
            is_gap_pending = !laid_out.is_empty();
            continue;
        }
        if std::mem::take(&mut is_gap_pending) {
            laid_out.push(b'\n');
        }
        let as_written = before
            .get(..before.len() - lines.remaining().len())
            .unwrap_or_default();
        if let Some(comment) = line.bytes.strip_prefix(b"#") {
            match disabled_rule(comment) {
                Some(rule) => {
                    laid_out.extend_from_slice(b"# ");
                    on_one_line(&rule, &mut laid_out);
                }
                None => keep(as_written, &mut laid_out),
            }
            continue;
        }
        match RuleSyntax::parse(&line.bytes, 0) {
            Ok(rule) if is_read(&line.bytes) && !line.is_too_long() => {
                if line.is_continued() {
                    over_lines(&rule, &mut laid_out);
                } else {
                    on_one_line(&rule, &mut laid_out);
                }
            }
            _ => keep(as_written, &mut laid_out),
        }
    }
    laid_out
}

/// Lines as they are, but for white space at their ends.
fn keep(lines: &[u8], laid_out: &mut Vec<u8>) {
    for line in lines
        .strip_suffix(b"\n")
        .unwrap_or(lines)
        .split(|byte| *byte == b'\n')
    {
        laid_out.extend_from_slice(line.trim_ascii_end());
        laid_out.push(b'\n');
    }
}

fn header(rule: &RuleSyntax<'_>, laid_out: &mut Vec<u8>) {
    for word in [
        &rule.action,
        &rule.protocol,
        &rule.source,
        &rule.source_port,
        &rule.arrow,
        &rule.destination,
        &rule.destination_port,
    ] {
        laid_out.extend_from_slice(&group(word));
        laid_out.push(b' ');
    }
}

fn on_one_line(rule: &RuleSyntax<'_>, laid_out: &mut Vec<u8>) {
    header(rule, laid_out);
    laid_out.push(b'(');
    for (index, written) in rule.options.iter().enumerate() {
        if index > 0 {
            laid_out.push(b' ');
        }
        laid_out.extend_from_slice(&option(written));
    }
    laid_out.extend_from_slice(b")\n");
}

fn over_lines(rule: &RuleSyntax<'_>, laid_out: &mut Vec<u8>) {
    header(rule, laid_out);
    laid_out.push(b'(');
    for written in &rule.options {
        if is_behind(written) {
            laid_out.push(b' ');
        } else {
            laid_out.extend_from_slice(b" \\\n");
            laid_out.extend_from_slice(INDENT);
        }
        laid_out.extend_from_slice(&option(written));
    }
    laid_out.extend_from_slice(b" \\\n)\n");
}

/// Whether an option stands on the line of the one before it.
fn is_behind(option: &RuleOption<'_>) -> bool {
    let name = option.name.text();
    matches!(
        name,
        "nocase"
            | "offset"
            | "depth"
            | "distance"
            | "within"
            | "startswith"
            | "endswith"
            | "fast_pattern"
            | "rawbytes"
            | "rev"
    ) || keyword_table::find(name).is_some_and(Keyword::is_modifier)
}

/// An address or port group without white space between its items.
pub(crate) fn group(word: &Word<'_>) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(word.bytes.len());
    let mut has_space = false;
    for byte in word.bytes {
        if byte.is_ascii_whitespace() {
            has_space = true;
            continue;
        }
        let is_inside = !matches!(byte, b',' | b'[' | b']')
            && !matches!(plain.last(), None | Some(b',' | b'[' | b']'));
        if std::mem::take(&mut has_space) && is_inside {
            plain.push(b' ');
        }
        plain.push(*byte);
    }
    plain
}

/// How the items of a keyword's list are put together; `None` where the value is one piece.
fn separator(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "metadata" | "threshold" | "detection_filter" => b", ",
        "flow" | "flowbits" | "xbits" | "hostbits" | "flowint" | "stream_size" | "isdataat"
        | "byte_test" | "byte_jump" | "byte_extract" | "byte_math" => b",",
        _ => return None,
    })
}

/// An option with its semicolon.
pub(crate) fn option(written: &RuleOption<'_>) -> Vec<u8> {
    let mut text = written.name.bytes.to_vec();
    if let Some(value) = written.value {
        text.push(b':');
        text.extend_from_slice(&self::value(written.name.text(), value));
    }
    text.push(b';');
    text
}

fn value(name: &str, word: Word<'_>) -> Vec<u8> {
    // Quotes may stand around anything; what is in them is left as it is.
    let is_plain = !word.bytes.contains(&b'"') && !word.bytes.contains(&b'\\');
    match separator(name).filter(|_| is_plain) {
        Some(separator) => values::list(word)
            .iter()
            .map(|item| item.bytes)
            .collect::<Vec<_>>()
            .join(separator),
        None => word.bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(text: &str) -> String {
        String::from_utf8(lay_out(text.as_bytes())).unwrap()
    }

    #[test]
    fn white_space_is_uniform_and_words_stay() {
        assert_eq!(
            laid_out(
                "alert  tcp [ 10.0.0.0/8 , !10.1.0.0/16 ] any->any any\t(msg : \"a  b\" ;content:\"x ;\\;\";flow: established , to_server;metadata: a b ,c d; sid:1 ; )\r\n"
            ),
            "alert  tcp [ 10.0.0.0/8 , !10.1.0.0/16 ] any->any any\t(msg : \"a  b\" ;content:\"x ;\\;\";flow: established , to_server;metadata: a b ,c d; sid:1 ; )\n",
            "not a rule, so it is left alone"
        );
        assert_eq!(
            laid_out(
                "alert  tcp [ 10.0.0.0/8 , !10.1.0.0/16 ] any -> any any\t(msg : \"a  b\" ;content:\"x\\;\";flow: established , to_server;metadata: a b ,c d; sid:1 ; )\r\n"
            ),
            "alert tcp [10.0.0.0/8,!10.1.0.0/16] any -> any any (msg:\"a  b\"; content:\"x\\;\"; flow:established,to_server; metadata:a b, c d; sid:1;)\n"
        );
    }

    #[test]
    fn rules_over_several_lines_get_an_option_a_line() {
        let text = "alert tcp any any -> any any (msg:\"x\"; \\\n content:\"ab\"; nocase; content:\"cd\"; \\\n  distance:1; sid:1; rev:2;)\n";
        let expected = "alert tcp any any -> any any ( \\\n    msg:\"x\"; \\\n    content:\"ab\"; nocase; \\\n    content:\"cd\"; distance:1; \\\n    sid:1; rev:2; \\\n)\n";
        assert_eq!(laid_out(text), expected);
        assert_eq!(laid_out(expected), expected);
    }

    #[test]
    fn comments_stay_and_gaps_are_one_line() {
        let text = "\n\n#  note  \n\n\n#alert tcp any any -> any any (sid:1;)\n## alert\n alert ignored\nalert broken\n\n";
        let expected = "#  note\n\n# alert tcp any any -> any any (sid:1;)\n## alert\n alert ignored\nalert broken\n";
        assert_eq!(laid_out(text), expected);
        assert_eq!(laid_out(expected), expected);
    }
}
