//! Perl-compatible expressions, translated to the syntax of `regex-syntax` (bytes, Unicode off), which runs in linear time.
//!
//! Every literal is written as `\xHH` unless it is a letter or digit, so that nothing means more in one syntax than in the
//! other. What a linear-time engine cannot do (look-around, back-references, atomic groups, possessive quantifiers, recursion,
//! `\K`) is reported as such.

/// Why there is no translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Untranslatable {
    /// Valid, but it needs a backtracking engine.
    NeedsBacktracking(&'static str),
    /// Not an expression: what is wrong, and at which byte.
    Invalid(&'static str, usize),
}

use Untranslatable::{Invalid, NeedsBacktracking};

type Step<T> = Result<T, Untranslatable>;

/// Flags that stand behind the closing slash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerlFlags {
    pub(crate) case_insensitive: bool,
    pub(crate) multi_line: bool,
    pub(crate) dot_all: bool,
    pub(crate) extended: bool,
    pub(crate) anchored: bool,
    pub(crate) dollar_end_only: bool,
    pub(crate) ungreedy: bool,
}

impl PerlFlags {
    pub(super) fn letters(self) -> String {
        [
            (self.case_insensitive, 'i'),
            (self.multi_line, 'm'),
            (self.dot_all, 's'),
            (self.extended, 'x'),
            (self.ungreedy, 'U'),
        ]
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, letter)| *letter)
        .collect()
    }
}

/// Translates an expression. Groups capture only where `keep_captures`.
pub(crate) fn translate(expression: &[u8], flags: PerlFlags, keep_captures: bool) -> Step<String> {
    let mut translator = Translator {
        source: expression,
        position: 0,
        out: String::with_capacity(expression.len() * 2),
        scopes: vec![Scope {
            multi_line: flags.multi_line,
            extended: flags.extended,
        }],
        dollar_end_only: flags.dollar_end_only,
        keep_captures,
    };
    let letters = flags.letters();
    if !letters.is_empty() {
        translator.out.push_str(&format!("(?{letters})"));
    }
    if flags.anchored {
        translator.out.push_str(r"\A(?:");
    }
    translator.run()?;
    if flags.anchored {
        translator.out.push(')');
    }
    Ok(translator.out)
}

/// Flags that hold from here to the end of the group.
#[derive(Clone, Copy)]
struct Scope {
    multi_line: bool,
    extended: bool,
}

struct Translator<'e> {
    source: &'e [u8],
    position: usize,
    out: String,
    scopes: Vec<Scope>,
    dollar_end_only: bool,
    keep_captures: bool,
}

/// One member of a class: a byte that may begin a range, or a whole set.
enum Member {
    Byte(u8),
    Set(&'static str),
}

/// `\h` and `\v`, `\R` and `\N` have no name in the other syntax.
const HORIZONTAL_SPACE: &str = r"\t\x20\xA0";
const VERTICAL_SPACE: &str = r"\n\x0B\x0C\r\x85";

impl Translator<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.position).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        Some(byte)
    }

    fn rest(&self) -> &[u8] {
        self.source.get(self.position..).unwrap_or_default()
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    fn invalid<T>(&self, what: &'static str) -> Step<T> {
        Err(Invalid(what, self.position))
    }

    fn scope(&self) -> Scope {
        self.scopes.last().copied().unwrap_or(Scope {
            multi_line: false,
            extended: false,
        })
    }

    fn literal(&mut self, byte: u8) {
        push_literal(&mut self.out, byte);
    }

    fn run(&mut self) -> Step<()> {
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.escape()?,
                b'[' => self.class()?,
                b'(' => self.open_group()?,
                b')' => {
                    if self.scopes.len() == 1 {
                        self.position -= 1;
                        return self.invalid("a `)` is not opened");
                    }
                    self.scopes.pop();
                    self.out.push(')');
                    self.quantifier()?;
                }
                b'|' => self.out.push('|'),
                b'.' => {
                    self.out.push('.');
                    self.quantifier()?;
                }
                b'^' => {
                    self.out.push('^');
                    self.quantifier()?;
                }
                b'$' => {
                    self.out.push_str(if self.scope().multi_line {
                        "$"
                    } else if self.dollar_end_only {
                        r"\z"
                    } else {
                        r"(?:\n?\z)"
                    });
                    self.quantifier()?;
                }
                b'*' | b'+' | b'?' => {
                    self.position -= 1;
                    return self.invalid("a quantifier has nothing before it");
                }
                b'#' if self.scope().extended => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.position += 1;
                    }
                }
                byte if self.scope().extended && byte.is_ascii_whitespace() => {}
                byte => {
                    self.literal(byte);
                    self.quantifier()?;
                }
            }
        }
        if self.scopes.len() > 1 {
            return self.invalid("a `(` is not closed");
        }
        Ok(())
    }

    /// A quantifier behind what was just written, if there is one.
    fn quantifier(&mut self) -> Step<()> {
        let length = match self.peek() {
            Some(b'*' | b'+' | b'?') => 1,
            Some(b'{') => match counted_quantifier(self.rest()) {
                Some(length) => length,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let text = self.rest().get(..length).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        self.out.push_str(&text);
        self.position += length;
        match self.peek() {
            Some(b'?') => {
                self.position += 1;
                self.out.push('?');
            }
            Some(b'+') => return Err(NeedsBacktracking("possessive quantifier")),
            _ => {}
        }
        Ok(())
    }

    fn open_group(&mut self) -> Step<()> {
        if self.eat(b"*") {
            return Err(NeedsBacktracking("control verb"));
        }
        if !self.eat(b"?") {
            self.scopes.push(self.scope());
            self.out
                .push_str(if self.keep_captures { "(" } else { "(?:" });
            return Ok(());
        }
        if self.eat(b"#") {
            while self.next().is_some_and(|byte| byte != b')') {}
            return Ok(());
        }
        for (text, what) in [
            (&b"="[..], "look-ahead"),
            (b"!", "look-ahead"),
            (b"<=", "look-behind"),
            (b"<!", "look-behind"),
            (b">", "atomic group"),
            (b"|", "branch reset"),
            (b"(", "condition"),
            (b"R", "recursion"),
            (b"&", "recursion"),
            (b"P=", "back-reference"),
            (b"P>", "recursion"),
            (b"+", "recursion"),
        ] {
            if self.rest().starts_with(text) {
                return Err(NeedsBacktracking(what));
            }
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(NeedsBacktracking("recursion"));
        }
        for (open, close) in [(&b"P<"[..], b'>'), (b"<", b'>'), (b"'", b'\'')] {
            if self.eat(open) {
                while self.peek().is_some_and(|byte| byte != close) {
                    self.position += 1;
                }
                if self.next().is_none() {
                    return self.invalid("the name of a group does not end");
                }
                self.scopes.push(self.scope());
                self.out
                    .push_str(if self.keep_captures { "(" } else { "(?:" });
                return Ok(());
            }
        }
        self.inline_flags()
    }

    /// `(?im-sx)` and `(?im-sx:…)`.
    fn inline_flags(&mut self) -> Step<()> {
        let mut scope = self.scope();
        let (mut set, mut letters) = (true, String::new());
        loop {
            match self.next() {
                Some(b'-') if set => {
                    set = false;
                    letters.push('-');
                }
                Some(letter @ (b'i' | b's' | b'U')) => letters.push(char::from(letter)),
                Some(b'm') => {
                    scope.multi_line = set;
                    letters.push('m');
                }
                Some(b'x') => scope.extended = set,
                Some(b':') => {
                    self.scopes.push(scope);
                    self.out.push_str(&flag_group(&letters, ":"));
                    return Ok(());
                }
                Some(b')') => {
                    if let Some(last) = self.scopes.last_mut() {
                        *last = scope;
                    }
                    if !letters.trim_end_matches('-').is_empty() {
                        self.out.push_str(&flag_group(&letters, ")"));
                    }
                    return Ok(());
                }
                _ => return self.invalid("a group begins in an unknown way"),
            }
        }
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Step<()> {
        let Some(byte) = self.next() else {
            return self.invalid("a backslash stands at the end");
        };
        match byte {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' => {
                self.out.push('\\');
                self.out.push(char::from(byte));
            }
            b'b' | b'B' => {
                self.out.push('\\');
                self.out.push(char::from(byte));
            }
            b'A' | b'G' => self.out.push_str(r"\A"),
            b'z' => self.out.push_str(r"\z"),
            b'Z' => self.out.push_str(r"(?:\n?\z)"),
            b'h' => self.out.push_str(&format!("[{HORIZONTAL_SPACE}]")),
            b'H' => self.out.push_str(&format!("[^{HORIZONTAL_SPACE}]")),
            b'v' => self.out.push_str(&format!("[{VERTICAL_SPACE}]")),
            b'V' => self.out.push_str(&format!("[^{VERTICAL_SPACE}]")),
            b'R' => self.out.push_str(&format!(r"(?:\r\n|[{VERTICAL_SPACE}])")),
            b'N' => self.out.push_str(r"[^\n]"),
            b'Q' => return self.quoted(),
            b'1'..=b'9' => return self.back_reference_or_octal(byte),
            b'g' | b'k' => return Err(NeedsBacktracking("back-reference")),
            b'K' => return Err(NeedsBacktracking("\\K")),
            b'X' | b'C' | b'p' | b'P' => return Err(NeedsBacktracking("property of characters")),
            b'E' => return Ok(()),
            byte => {
                let literal = self.escaped_byte(byte)?;
                self.literal(literal);
            }
        }
        self.quantifier()
    }

    /// `\1` to `\9` are references; more digits are one only if there are that many groups, which rules never have.
    fn back_reference_or_octal(&mut self, first: u8) -> Step<()> {
        let more = self.peek().is_some_and(|byte| byte.is_ascii_digit());
        if !more || first >= b'8' {
            return Err(NeedsBacktracking("back-reference"));
        }
        let mut number = u32::from(first - b'0');
        for _ in 0..2 {
            match self.peek() {
                Some(digit @ b'0'..=b'7') => {
                    number = number * 8 + u32::from(digit - b'0');
                    self.position += 1;
                }
                _ => break,
            }
        }
        self.literal(u8::try_from(number & 0xff).unwrap_or_default());
        self.quantifier()
    }

    fn quoted(&mut self) -> Step<()> {
        while !self.eat(br"\E") {
            match self.next() {
                Some(byte) => self.literal(byte),
                None => return Ok(()),
            }
        }
        self.quantifier()
    }

    /// The byte that an escape stands for, inside and outside of classes.
    fn escaped_byte(&mut self, byte: u8) -> Step<u8> {
        Ok(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'f' => 0x0c,
            b'a' => 0x07,
            b'e' => 0x1b,
            b'c' => match self.next() {
                Some(control) => control.to_ascii_uppercase() ^ 0x40,
                None => return self.invalid("a control character is missing"),
            },
            b'0' => {
                let mut number = 0_u32;
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => {
                            number = number * 8 + u32::from(digit - b'0');
                            self.position += 1;
                        }
                        _ => break,
                    }
                }
                u8::try_from(number & 0xff).unwrap_or_default()
            }
            b'x' => return self.hex_byte(),
            byte if byte.is_ascii_alphanumeric() => {
                return self.invalid("an escape is unknown");
            }
            byte => byte,
        })
    }

    /// `\xH`, `\xHH`, `\x{HH}`, and `\x` for zero.
    fn hex_byte(&mut self) -> Step<u8> {
        let braced = self.eat(b"{");
        let mut number = 0_u32;
        let mut digits = 0;
        while let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
            if !braced && digits == 2 {
                break;
            }
            number = number.saturating_mul(16).saturating_add(digit);
            digits += 1;
            self.position += 1;
        }
        if braced && !self.eat(b"}") {
            return self.invalid("a `\\x{` is not closed");
        }
        u8::try_from(number).or_else(|_| self.invalid("a byte is larger than \\xff"))
    }

    fn class(&mut self) -> Step<()> {
        let mut out = String::from("[");
        if self.eat(b"^") {
            out.push('^');
        }
        let mut is_first = true;
        loop {
            match self.peek() {
                None => return self.invalid("a `[` is not closed"),
                Some(b']') if !is_first => {
                    self.position += 1;
                    break;
                }
                _ => {}
            }
            is_first = false;
            let Some(member) = self.class_member()? else {
                continue;
            };
            match member {
                Member::Set(set) => out.push_str(set),
                Member::Byte(first) => {
                    push_literal(&mut out, first);
                    let is_range = self.peek() == Some(b'-')
                        && self
                            .source
                            .get(self.position + 1)
                            .is_some_and(|next| *next != b']');
                    if !is_range {
                        continue;
                    }
                    let before = self.position;
                    self.position += 1;
                    match self.class_member()? {
                        Some(Member::Byte(last)) if last >= first => {
                            out.push('-');
                            push_literal(&mut out, last);
                        }
                        Some(Member::Byte(_)) => {
                            return self.invalid("a range in a class is upside down");
                        }
                        // `a-\d`: the hyphen is one.
                        _ => {
                            self.position = before + 1;
                            push_literal(&mut out, b'-');
                        }
                    }
                }
            }
        }
        out.push(']');
        self.out.push_str(&out);
        self.quantifier()
    }

    /// The next member of a class; `None` for what has no meaning (`\E`).
    fn class_member(&mut self) -> Step<Option<Member>> {
        let Some(byte) = self.next() else {
            return self.invalid("a `[` is not closed");
        };
        if byte == b'[' && matches!(self.peek(), Some(b':')) {
            for (name, set) in POSIX_CLASSES {
                if self.eat(name.as_bytes()) {
                    return Ok(Some(Member::Set(set)));
                }
            }
        }
        if byte != b'\\' {
            return Ok(Some(Member::Byte(byte)));
        }
        let Some(escaped) = self.next() else {
            return self.invalid("a backslash stands at the end");
        };
        Ok(Some(match escaped {
            b'd' => Member::Set(r"\d"),
            b'D' => Member::Set(r"\D"),
            b'w' => Member::Set(r"\w"),
            b'W' => Member::Set(r"\W"),
            b's' => Member::Set(r"\s"),
            b'S' => Member::Set(r"\S"),
            b'h' => Member::Set(HORIZONTAL_SPACE),
            b'v' => Member::Set(VERTICAL_SPACE),
            b'b' => Member::Byte(0x08),
            b'Q' | b'E' => return Ok(None),
            b'p' | b'P' | b'H' | b'V' | b'X' => {
                return Err(NeedsBacktracking("property of characters"));
            }
            digit @ b'1'..=b'7' => {
                let mut number = u32::from(digit - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => {
                            number = number * 8 + u32::from(digit - b'0');
                            self.position += 1;
                        }
                        _ => break,
                    }
                }
                Member::Byte(u8::try_from(number & 0xff).unwrap_or_default())
            }
            other => Member::Byte(self.escaped_byte(other)?),
        }))
    }
}

/// POSIX classes without their opening bracket; the ASCII sets of the reference's locale.
const POSIX_CLASSES: &[(&str, &str)] = &[
    (":alpha:]", "[:alpha:]"),
    (":digit:]", "[:digit:]"),
    (":alnum:]", "[:alnum:]"),
    (":upper:]", "[:upper:]"),
    (":lower:]", "[:lower:]"),
    (":space:]", "[:space:]"),
    (":blank:]", "[:blank:]"),
    (":punct:]", "[:punct:]"),
    (":print:]", "[:print:]"),
    (":graph:]", "[:graph:]"),
    (":cntrl:]", "[:cntrl:]"),
    (":xdigit:]", "[:xdigit:]"),
    (":word:]", "[:word:]"),
    (":ascii:]", "[:ascii:]"),
    (":^alpha:]", "[:^alpha:]"),
    (":^digit:]", "[:^digit:]"),
    (":^alnum:]", "[:^alnum:]"),
    (":^space:]", "[:^space:]"),
    (":^punct:]", "[:^punct:]"),
    (":^print:]", "[:^print:]"),
];

fn push_literal(out: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02X}"));
    }
}

fn flag_group(letters: &str, end: &str) -> String {
    let letters = letters.trim_end_matches('-');
    if letters.is_empty() {
        return "(?:".to_owned();
    }
    format!("(?{letters}{end}")
}

/// Length of `{n}`, `{n,}` or `{n,m}`; anything else after `{` is literal.
fn counted_quantifier(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| *byte == b'}')?;
    let inner = std::str::from_utf8(text.get(1..end)?).ok()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match inner.split_once(',') {
        None => is_number(inner),
        Some((low, high)) => is_number(low) && (high.is_empty() || is_number(high)),
    };
    fits.then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(expression: &str) -> Step<String> {
        translate(expression.as_bytes(), PerlFlags::default(), false)
    }

    #[test]
    fn literals_cannot_be_misread() {
        assert_eq!(
            plain(r"a\/b\x{2f}\<c-é").unwrap(),
            r"a\x2Fb\x2F\x3Cc\x2D\xC3\xA9"
        );
        assert_eq!(plain(r"a{,3}b{x").unwrap(), r"a\x7B\x2C3\x7Db\x7Bx");
        assert_eq!(
            plain(r"[]a&&\w-.]{2,}?").unwrap(),
            r"[\x5Da\x26\x26\w\x2D\x2E]{2,}?"
        );
        assert_eq!(
            plain(r"[^\x00-\x1f[:alpha:]]").unwrap(),
            r"[^\x00-\x1F[:alpha:]]"
        );
    }

    #[test]
    fn dollars_and_flags_keep_their_meaning() {
        assert_eq!(plain("a$").unwrap(), r"a(?:\n?\z)");
        assert_eq!(plain("(?m)a$|(?i:b)").unwrap(), "(?m)a$|(?i:b)");
        assert_eq!(plain("(?x: a b # c\n)d e").unwrap(), r"(?:ab)d\x20e");
        let flags = PerlFlags {
            case_insensitive: true,
            anchored: true,
            ..PerlFlags::default()
        };
        assert_eq!(translate(b"a|b", flags, false).unwrap(), r"(?i)\A(?:a|b)");
    }

    #[test]
    fn what_needs_backtracking_says_so() {
        for expression in [
            "(?=a)", "(?<!a)b", r"(a)\1", "a++", "(?>a)", r"a\Kb", "(?R)",
        ] {
            assert!(
                matches!(plain(expression), Err(NeedsBacktracking(_))),
                "{expression}"
            );
        }
        for expression in ["(a", "a)", "[a", "*a", r"a\", "[b-a]"] {
            assert!(
                matches!(plain(expression), Err(Invalid(..))),
                "{expression}"
            );
        }
    }
}
