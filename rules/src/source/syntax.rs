//! A rule as it is written: header words and options, each with its place in the logical line.

use std::ops::Range;

use super::problem::Problem;
use crate::limits;

/// A stretch of a logical line.
pub(crate) type Span = Range<usize>;

/// A word of the header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) start: usize,
}

impl<'a> Word<'a> {
    pub(crate) fn span(&self) -> Span {
        self.start..self.start + self.bytes.len()
    }

    /// As text; words of the header that are not UTF-8 are no words we know.
    pub(crate) fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes).unwrap_or("\u{fffd}")
    }
}

/// An option: `name;` or `name:value;`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleOption<'a> {
    pub(crate) name: Word<'a>,
    /// Without the white space around it; `None` without a colon.
    pub(crate) value: Option<Word<'a>>,
}

/// A rule's words and options.
#[derive(Clone, Debug)]
pub(crate) struct RuleSyntax<'a> {
    pub(crate) action: Word<'a>,
    pub(crate) protocol: Word<'a>,
    pub(crate) source: Word<'a>,
    pub(crate) source_port: Word<'a>,
    pub(crate) arrow: Word<'a>,
    pub(crate) destination: Word<'a>,
    pub(crate) destination_port: Word<'a>,
    pub(crate) options: Vec<RuleOption<'a>>,
}

impl<'a> RuleSyntax<'a> {
    /// Splits a rule. `start` is where it begins in the logical line (behind a `#` for a disabled one).
    pub(crate) fn parse(line: &'a [u8], start: usize) -> Result<Self, Problem> {
        let mut scanner = Scanner {
            line,
            position: start,
        };
        let action = scanner.word("an action, as `alert`")?;
        let protocol = scanner.word("a protocol, as `tcp`")?;
        let source = scanner.group("a source address, as `any`")?;
        let source_port = scanner.group("a source port, as `any`")?;
        let arrow = scanner.word("`->` or `<>`")?;
        let destination = scanner.group("a destination address, as `any`")?;
        let destination_port = scanner.group("a destination port, as `any`")?;
        let options = scanner.options()?;
        Ok(Self {
            action,
            protocol,
            source,
            source_port,
            arrow,
            destination,
            destination_port,
            options,
        })
    }

    /// The number behind `sid`, `gid` or `rev`.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.options
            .iter()
            .find(|option| option.name.bytes == name.as_bytes())
            .and_then(|option| option.value?.text().parse().ok())
    }

    /// Where the rule begins and ends.
    pub(crate) fn header_span(&self) -> Span {
        self.action.start..self.destination_port.span().end
    }
}

struct Scanner<'a> {
    line: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        self.line.get(self.position..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_ascii_start().len();
    }

    fn expected(&self, what: &str) -> Problem {
        let found = self.rest();
        let message = if found.is_empty() {
            format!("the rule ends where {what} is expected")
        } else {
            format!("{what} is expected here")
        };
        Problem::error("syntax", self.position..self.position + 1, message).hint(
            "a rule is: action protocol source port -> destination port (option; option:value;)",
        )
    }

    fn take(&mut self, length: usize) -> Word<'a> {
        let start = self.position;
        self.position += length;
        Word {
            bytes: self.line.get(start..self.position).unwrap_or_default(),
            start,
        }
    }

    fn word(&mut self, what: &str) -> Result<Word<'a>, Problem> {
        self.skip_space();
        let length = self
            .rest()
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || *byte == b'(')
            .unwrap_or(self.rest().len());
        if length == 0 {
            return Err(self.expected(what));
        }
        Ok(self.take(length))
    }

    /// A word that may be a bracketed list with white space inside.
    fn group(&mut self, what: &str) -> Result<Word<'a>, Problem> {
        self.skip_space();
        let mut depth = 0_usize;
        let mut length = 0;
        for byte in self.rest() {
            match byte {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                b'(' => break,
                byte if byte.is_ascii_whitespace() && depth == 0 => break,
                _ => {}
            }
            length += 1;
        }
        if length == 0 {
            return Err(self.expected(what));
        }
        let word = self.take(length);
        if depth > 0 {
            return Err(Problem::error("syntax", word.span(), "a `[` is not closed"));
        }
        Ok(word)
    }

    fn options(&mut self) -> Result<Vec<RuleOption<'a>>, Problem> {
        self.skip_space();
        if self.rest().first() != Some(&b'(') {
            return Err(self.expected("`(`"));
        }
        let close = self.position + self.rest().trim_ascii_end().len() - 1;
        if self.line.get(close) != Some(&b')') || close == self.position {
            let end = self.line.len();
            return Err(
                Problem::error("syntax", end..end, "the rule does not end in `)`")
                    .hint("close the options with `)`, or end the line in `\\` to go on"),
            );
        }
        self.position += 1;
        let mut options = Vec::new();
        while self.position < close {
            self.skip_space();
            if self.position >= close {
                break;
            }
            if options.len() >= limits::RULE_OPTIONS {
                return Err(Problem::error(
                    "too-long",
                    self.position..close,
                    "the rule has too many options",
                ));
            }
            let end = self.option_end(close)?;
            if let Some(option) = split_option(self.line, self.position..end)? {
                options.push(option);
            }
            self.position = end + 1;
        }
        Ok(options)
    }

    /// Position of the `;` that ends the option that begins here. A backslash takes the next byte's meaning.
    fn option_end(&self, close: usize) -> Result<usize, Problem> {
        let mut escaped = false;
        for position in self.position..close {
            match self.line.get(position) {
                _ if escaped => escaped = false,
                Some(b'\\') => escaped = true,
                Some(b';') => return Ok(position),
                _ => {}
            }
        }
        Err(Problem::error(
            "syntax",
            self.position..close,
            "the option does not end in `;`",
        )
        .hint("end every option with `;`, and write `\\;` for one inside a value"))
    }
}

/// Name and value of an option; `None` for a lone `;`.
fn split_option(line: &[u8], span: Span) -> Result<Option<RuleOption<'_>>, Problem> {
    let bytes = line.get(span.clone()).unwrap_or_default();
    let (name, value) = match memchr::memchr(b':', bytes) {
        Some(colon) => (
            trimmed(line, span.start..span.start + colon),
            Some(trimmed(line, span.start + colon + 1..span.end)),
        ),
        None => (trimmed(line, span.clone()), None),
    };
    if name.bytes.is_empty() {
        return match value {
            None => Err(Problem::error(
                "syntax",
                span.start..span.end + 1,
                "an option is empty",
            )),
            Some(_) => Err(Problem::error("syntax", span, "an option has no name")),
        };
    }
    Ok(Some(RuleOption { name, value }))
}

/// A stretch without the white space around it.
pub(crate) fn trimmed(line: &[u8], span: Span) -> Word<'_> {
    let bytes = line.get(span.clone()).unwrap_or_default();
    let inner = bytes.trim_ascii_start();
    let start = span.start + bytes.len() - inner.len();
    Word {
        bytes: inner.trim_ascii_end(),
        start,
    }
}
