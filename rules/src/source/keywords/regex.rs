//! `pcre` and `pcrexform`.

use regex_automata::{nfa::thompson, util::syntax};

use super::{
    super::keyword_table::Context,
    Done, buffers, regex_backtracking,
    regex_translation::{PerlFlags, Untranslatable, translate},
    value, variables,
};
use crate::{
    limits,
    model::Buffer,
    source::{
        draft::{CaptureDraft, MatchDraft, RegexDraft, RuleDraft, TransformDraft},
        problem::Problem,
        support,
        syntax::{RuleOption, Word},
        values::{perhaps_quoted, quoted},
    },
};

/// What stands behind the closing slash.
#[derive(Default)]
struct Modifiers {
    perl: PerlFlags,
    relative: bool,
    buffer: Option<Buffer>,
}

fn modifiers(letters: Word<'_>) -> Result<Modifiers, Problem> {
    let mut modifiers = Modifiers::default();
    for letter in letters.bytes {
        let buffer = match letter {
            b'i' => {
                modifiers.perl.case_insensitive = true;
                continue;
            }
            b'm' => {
                modifiers.perl.multi_line = true;
                continue;
            }
            b's' => {
                modifiers.perl.dot_all = true;
                continue;
            }
            b'x' => {
                modifiers.perl.extended = true;
                continue;
            }
            b'A' => {
                modifiers.perl.anchored = true;
                continue;
            }
            b'E' => {
                modifiers.perl.dollar_end_only = true;
                continue;
            }
            b'G' => {
                modifiers.perl.ungreedy = true;
                continue;
            }
            b'R' => {
                modifiers.relative = true;
                continue;
            }
            // Raw bytes are all there is, and match limits are those of the engine.
            b'B' | b'O' => continue,
            b'U' => Buffer::HttpUri,
            b'I' => Buffer::HttpUriRaw,
            b'P' => Buffer::HttpRequestBody,
            b'Q' => Buffer::FileData,
            b'H' => Buffer::HttpHeader,
            b'D' => Buffer::HttpHeaderRaw,
            b'M' => Buffer::HttpMethod,
            b'C' => Buffer::HttpCookie,
            b'S' => Buffer::HttpStatusCode,
            b'Y' => Buffer::HttpStatusMessage,
            b'V' => Buffer::HttpUserAgent,
            b'W' => Buffer::HttpHost,
            b'Z' => Buffer::HttpHostRaw,
            _ => {
                return Err(Problem::value(
                    letters.span(),
                    format!(
                        "`{}` is no flag of a regular expression",
                        char::from(*letter)
                    ),
                ));
            }
        };
        if modifiers.buffer.replace(buffer).is_some() {
            return Err(Problem::value(letters.span(), "one flag can name a buffer"));
        }
    }
    Ok(modifiers)
}

/// Splits `/expression/flags`.
fn split(word: Word<'_>) -> Result<(Word<'_>, Word<'_>), Problem> {
    let wrong = || {
        Problem::value(word.span(), "a regular expression stands between slashes")
            .hint("write pcre:\"/expression/flags\"")
    };
    let inner = word.bytes.strip_prefix(b"/").ok_or_else(wrong)?;
    let close = inner
        .iter()
        .rposition(|byte| *byte == b'/')
        .ok_or_else(wrong)?;
    let expression = Word {
        bytes: &inner[..close],
        start: word.start + 1,
    };
    let flags = Word {
        bytes: inner[close + 1..].trim_ascii(),
        start: word.start + close + 2,
    };
    if expression.bytes.is_empty() {
        return Err(wrong());
    }
    if expression.bytes.len() > limits::REGEX_BYTES {
        return Err(Problem::value(
            expression.span(),
            "the expression is too long",
        ));
    }
    Ok((expression, flags))
}

/// Why a translation does not compile.
enum Uncompilable {
    /// It is right, but its program would be larger than a linear-time one may be.
    TooLarge,
    Wrong(String),
}

/// Whether the translation compiles within its memory.
fn check_compiles(expression: &str) -> Result<(), Uncompilable> {
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(limits::REGEX_PROGRAM_BYTES))
        .which_captures(thompson::WhichCaptures::None);
    thompson::Compiler::new()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(config)
        .build(expression)
        .map(drop)
        .map_err(|error| {
            if error.size_limit().is_some() {
                return Uncompilable::TooLarge;
            }
            let text = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string);
            Uncompilable::Wrong(text.lines().last().unwrap_or_default().to_owned())
        })
}

/// Reads an expression, and notes on the rule if this version does not run it.
fn read(
    rule: &mut RuleDraft,
    word: Word<'_>,
    expression: Word<'_>,
    perl: PerlFlags,
    keep_captures: bool,
) -> Result<RegexDraft, Problem> {
    let wrong = |error: String| {
        Problem::error(
            "bad-regex",
            expression.span(),
            format!("the expression is wrong: {error}"),
        )
    };
    let original = String::from_utf8_lossy(word.bytes).into_owned();
    let needs_backtracking = match translate(expression.bytes, perl, keep_captures) {
        Ok(translated) => match check_compiles(&translated) {
            Ok(()) => {
                return Ok(RegexDraft {
                    expression: translated,
                    original,
                    needs_backtracking: false,
                });
            }
            Err(Uncompilable::TooLarge) => "large repetition",
            Err(Uncompilable::Wrong(error)) => return Err(wrong(error)),
        },
        Err(Untranslatable::NeedsBacktracking(what)) => what,
        Err(Untranslatable::Invalid(what, position)) => {
            let start = expression.start + position;
            return Err(Problem::error(
                "bad-regex",
                start..start + 1,
                format!("the expression is wrong: {what}"),
            ));
        }
    };
    if let Err(reason) = support::backtracking_regex() {
        rule.unsupported(
            &expression.span(),
            format!("{needs_backtracking}: {reason}"),
        );
    }
    let written = regex_backtracking::expression(expression.bytes, perl);
    regex_backtracking::check(&written).map_err(wrong)?;
    Ok(RegexDraft {
        expression: written,
        original,
        needs_backtracking: true,
    })
}

/// `pcre:[!]"/expression/flags"`
pub(crate) fn pcre(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let quoted = perhaps_quoted(value(option));
    let (expression, letters) = split(quoted.inner)?;
    // Behind a comma stand names for captures.
    let (letters, names) = match memchr::memchr(b',', letters.bytes) {
        None => (letters, None),
        Some(comma) => {
            let flags = Word {
                bytes: letters.bytes[..comma].trim_ascii(),
                start: letters.start,
            };
            let names = Word {
                bytes: &letters.bytes[comma + 1..],
                start: letters.start + comma + 1,
            };
            (flags, Some(names))
        }
    };
    let captures = variables::captures(expression, names)?;
    add(
        rule,
        option,
        (quoted.negated, captures),
        quoted.inner,
        expression,
        letters,
    )
}

fn add(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    (negated, captures): (bool, Vec<CaptureDraft>),
    whole: Word<'_>,
    expression: Word<'_>,
    letters: Word<'_>,
) -> Done {
    let modifiers = modifiers(letters)?;
    let keep_captures = !captures.is_empty();
    let regex = read(rule, whole, expression, modifiers.perl, keep_captures)?;
    let span = option.name.span();
    let item = MatchDraft::Regex {
        regex,
        relative: modifiers.relative,
        negated,
        captures,
    };
    let Some(buffer) = modifiers.buffer else {
        let is_sticky = rule.current.is_some();
        let matches = &mut rule.current_inspection(&span).matches;
        let has_match_before = matches
            .iter()
            .any(|item| matches!(item, MatchDraft::Content(_) | MatchDraft::Regex { .. }));
        if modifiers.relative && !is_sticky && !has_match_before {
            return Err(Problem::error(
                "modifier-without-content",
                letters.span(),
                "`R` needs a content or expression before it in the same buffer",
            ));
        }
        matches.push(item);
        return Ok(());
    };
    match rule.current {
        Some(index) if is_same(rule.inspections[index].buffer, buffer) => {
            rule.inspections[index].matches.push(item);
        }
        Some(_) => {
            return Err(Problem::error(
                "modifier-after-sticky-buffer",
                letters.span(),
                "the flags name another buffer than the sticky one",
            )
            .hint("leave the flag out, or put `pkt_data;` before"));
        }
        None => {
            rule.confine_to_http1("pcre", &letters.span())?;
            let index = rule.inspection_of(buffer, &span);
            rule.inspections[index].matches.push(item);
        }
    }
    Ok(())
}

/// Whether a flag's buffer is the sticky one; `Q` is the response body by both of its names.
fn is_same(sticky: Buffer, flag: Buffer) -> bool {
    sticky == flag || (sticky == Buffer::HttpResponseBody && flag == Buffer::FileData)
}

/// How many groups of an expression capture.
fn captures(expression: &[u8]) -> usize {
    let (mut count, mut in_class) = (0, false);
    let mut rest = expression;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\\' => rest = behind.get(1..).unwrap_or_default(),
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => {
                let is_named = [&b"?<"[..], b"?P<", b"?'"]
                    .iter()
                    .any(|start| behind.starts_with(start))
                    && !behind.starts_with(b"?<=")
                    && !behind.starts_with(b"?<!");
                count += usize::from(is_named || !matches!(behind.first(), Some(b'?' | b'*')));
            }
            _ => {}
        }
    }
    count
}

/// `pcrexform:"expression"`: the capture becomes the buffer.
pub(crate) fn pcre_transform(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let expression = quoted(value(option), false)?.inner;
    if captures(expression.bytes) != 1 {
        return Err(Problem::value(
            expression.span(),
            "the expression has one capture, which becomes the buffer, as `a(.*)b`",
        ));
    }
    let regex = read(rule, expression, expression, PerlFlags::default(), true)?;
    buffers::transform(rule, option, TransformDraft::FirstCapture(regex))
}
