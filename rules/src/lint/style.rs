//! Lints about what can be written more plainly.

use super::{
    Report, lint,
    subject::{Subject, contents_of, shown},
};
use crate::{
    model::Operand,
    source::keyword_table::{self, KEYWORDS},
};

lint! {
    /// A keyword of an older spelling.
    ///
    /// `content:"…"; http_uri;` moves a content into a buffer after the fact; `http.uri; content:"…";` says where to look first and
    /// reads in order. The older names go on working.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; content:"/gate.php"; http_uri; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate.php"; sid:1;)
    /// ```
    LEGACY_KEYWORD = "legacy-keyword", Style, Note, Rule(legacy_keyword)
}

fn legacy_keyword(subject: &Subject<'_>, report: &mut Report) {
    for option in &subject.syntax.options {
        let name = option.name.text();
        let Some(keyword) = keyword_table::find(name) else {
            continue;
        };
        let newer = if keyword.is_modifier() {
            // Of several keywords for a buffer the sticky one is the newer.
            KEYWORDS
                .iter()
                .find(|other| !other.is_modifier() && other.buffer() == keyword.buffer())
                .map(|other| other.name)
        } else if keyword.name != name && keyword.name.contains('.') {
            Some(keyword.name)
        } else if keyword.name == "uricontent" {
            Some("http.uri")
        } else {
            None
        };
        if let Some(newer) = newer {
            report.say(
                option.name.span(),
                format!("`{name}` is an older spelling"),
                format!("write `{newer}`"),
            );
        }
    }
}

lint! {
    /// `nocase` behind a content without letters.
    ///
    /// Only letters have a case.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"|de ad be ef|1234"; nocase; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"|de ad be ef|1234"; sid:1;)
    /// ```
    NEEDLESS_NOCASE = "needless-nocase", Style, Note, Rule(needless_nocase)
}

fn needless_nocase(subject: &Subject<'_>, report: &mut Report) {
    for (_, content) in subject.contents() {
        if content.nocase && !content.pattern.iter().any(u8::is_ascii_alphabetic) {
            report.say(
                content.span.clone(),
                format!(
                    "`{}` has no letters, so `nocase` says nothing",
                    shown(&content.pattern)
                ),
                "leave `nocase` out",
            );
        }
    }
}

lint! {
    /// `fast_pattern` behind the only content of a rule.
    ///
    /// There is no other to choose.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; fast_pattern; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    NEEDLESS_FAST_PATTERN = "needless-fast-pattern", Style, Note, Rule(needless_fast_pattern)
}

fn needless_fast_pattern(subject: &Subject<'_>, report: &mut Report) {
    let mut contents = subject.contents().filter(|(_, content)| !content.negated);
    if let (Some((_, content)), None) = (contents.next(), contents.next())
        && content
            .fast_pattern
            .is_some_and(|chosen| chosen.part.is_none())
    {
        report.say(
            content.span.clone(),
            "the rule has one content, so `fast_pattern` chooses nothing",
            "leave `fast_pattern` out",
        );
    }
}

lint! {
    /// A depth as long as the content, where `startswith` says the same.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; depth:9; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; startswith; sid:1;)
    /// ```
    STARTS_WITH_BY_DEPTH = "startswith-by-depth", Style, Note, Rule(starts_with_by_depth)
}

fn starts_with_by_depth(subject: &Subject<'_>, report: &mut Report) {
    for (_, content) in subject.contents() {
        let length = i64::try_from(content.pattern.len()).ok();
        let at_zero = matches!(content.offset, None | Some(Operand::Number(0)));
        if let (Some(Operand::Number(depth)), Some(length)) = (content.depth, length)
            && depth == length
            && at_zero
        {
            report.say(
                content.span.clone(),
                "the depth is the content's length, so it stands at the start",
                "write `startswith` in place of the depth",
            );
        }
    }
}

lint! {
    /// The same content twice in one buffer, each anywhere.
    ///
    /// Both find the same place; a second one that is meant needs a position behind the first.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVIL"; content:"EVIL"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVIL"; content:"EVIL"; distance:0; sid:1;)
    /// ```
    CONTENT_TWICE = "content-twice", Style, Warning, Rule(content_twice)
}

fn content_twice(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let floating = |content: &&crate::source::draft::ContentDraft| {
            !content.is_relative() && !content.is_absolute() && !content.ends_with
        };
        let contents: Vec<_> = contents_of(inspection).filter(floating).collect();
        for (index, content) in contents.iter().enumerate() {
            let same = contents.iter().take(index).any(|other| {
                other.pattern == content.pattern
                    && other.nocase == content.nocase
                    && other.negated == content.negated
            });
            if same {
                report.say(
                    content.span.clone(),
                    format!("`{}` is asked for twice", shown(&content.pattern)),
                    "leave one out, or give the second a distance",
                );
            }
        }
    }
}
