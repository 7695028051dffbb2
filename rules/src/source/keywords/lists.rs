//! `dataset`, `datarep`, `filemd5`, `filesha1`, `filesha256`: buffers and digests of files against lists.

use std::sync::Arc;

use super::{super::keyword_table::Context, Done, value};
use crate::{
    limits,
    model::{Buffer, ListKind, NumberRange, SetAction, Transform},
    source::{
        draft::{InspectionDraft, ListDraft, ListQuestion, MatchDraft, RuleDraft, TransformDraft},
        list_files::{self, ListContent, ListFiles},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{list, number_within, split_space},
    },
};

/// What stands behind the name and the question.
#[derive(Default)]
struct Details<'a> {
    kind: Option<ListKind>,
    load: Option<Word<'a>>,
}

/// `dataset:isset,name,type string,load file`
pub(crate) fn data_set(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let items = list(value(option));
    let [verb, name, rest @ ..] = items.as_slice() else {
        return Err(Problem::value(
            value(option).span(),
            "a data set is action, name, type",
        ));
    };
    let action = match verb.bytes {
        b"set" => SetAction::Set,
        b"unset" => SetAction::Unset,
        b"isset" => SetAction::IsSet,
        b"isnotset" => SetAction::IsNotSet,
        _ => {
            return Err(Problem::value(
                verb.span(),
                "an action is set, unset, isset or isnotset",
            ));
        }
    };
    let details = details(rest)?;
    push(
        rule,
        option,
        context,
        *name,
        &details,
        ListQuestion::InList(action),
    )
}

/// `datarep:name, >, 200, load file, type string`
pub(crate) fn data_reputation(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let items = list(value(option));
    let [name, operator, number, rest @ ..] = items.as_slice() else {
        return Err(Problem::value(
            value(option).span(),
            "a reputation is name, operator, number, type",
        ));
    };
    let largest = i64::from(u16::MAX);
    let number = u64::try_from(number_within(*number, 0, largest)?).unwrap_or_default();
    let range = |min: u64, max: u64| NumberRange {
        min,
        max,
        negated: false,
    };
    let range = match operator.bytes {
        b"<" if number == 0 => NumberRange::NONE,
        b"<" => range(0, number - 1),
        b">" => range(number + 1, u64::MAX),
        b"==" => range(number, number),
        _ => {
            return Err(Problem::value(operator.span(), "an operator is <, > or =="));
        }
    };
    let details = details(rest)?;
    let question = ListQuestion::Reputation(range);
    push(rule, option, context, *name, &details, question)
}

fn details<'a>(items: &[Word<'a>]) -> Result<Details<'a>, Problem> {
    let mut details = Details::default();
    for item in items {
        let (key, what) = split_space(*item);
        match key.bytes {
            b"type" => {
                details.kind = Some(match what.bytes {
                    b"string" => ListKind::String,
                    b"md5" => ListKind::Md5,
                    b"sha256" => ListKind::Sha256,
                    b"ipv4" => ListKind::Ipv4,
                    b"ip" => ListKind::Ip,
                    _ => {
                        return Err(Problem::value(
                            what.span(),
                            "a type is string, md5, sha256, ipv4 or ip",
                        ));
                    }
                });
            }
            b"load" => details.load = Some(what),
            // How much is kept and where is for the sensor's settings to say; what else stands there the reference passes over.
            _ => {}
        }
    }
    Ok(details)
}

fn push(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
    name: Word<'_>,
    details: &Details<'_>,
    question: ListQuestion,
) -> Done {
    let span = option.name.span();
    if rule.current.is_none() {
        return Err(Problem::error(
            "list-without-buffer",
            span,
            format!("`{}` is asked of a sticky buffer", option.name.text()),
        )
        .hint("put a sticky buffer before it, as `http.host;`"));
    }
    if name.bytes.is_empty()
        || name.bytes.len() > limits::LIST_NAME_BYTES
        || name.bytes.iter().any(u8::is_ascii_whitespace)
    {
        return Err(Problem::value(
            name.span(),
            "a list has a name without spaces",
        ));
    }
    let with_values = matches!(question, ListQuestion::Reputation(_));
    let content = match (details.load, details.kind) {
        (None, _) => None,
        (Some(path), None) => {
            return Err(Problem::value(
                path.span(),
                "the type of the list is missing",
            ));
        }
        (Some(path), Some(kind)) => load(rule, context, path, |bytes| {
            list_files::data_set(bytes, kind, with_values)
        })?,
    };
    let item = MatchDraft::List(ListDraft {
        name: Some(name.text().to_owned()),
        kind: details.kind,
        content,
        question,
        span: name.span(),
    });
    rule.current_inspection(&span).matches.push(item);
    Ok(())
}

/// Reads the file of a list; `None` where there are no files, and the rule is noted as not run.
fn load(
    rule: &mut RuleDraft,
    context: &Context<'_>,
    path: Word<'_>,
    read: impl Fn(&[u8]) -> Result<ListContent, String>,
) -> Result<Option<Arc<ListContent>>, Problem> {
    if context.list_files == ListFiles::None {
        rule.unsupported(
            &path.span(),
            "the files that rules name are not at hand where there is only their text",
        );
        return Ok(None);
    }
    let wrong = |problem: String, hint: &'static str| {
        Problem::error(
            "unreadable-list",
            path.span(),
            format!("the list `{}` cannot be read: {problem}", path.text()),
        )
        .hint(hint)
    };
    let bytes = list_files::read(context.rule_file, path.text())
        .map_err(|problem| wrong(problem, "put the file into the folder of the rule file"))?;
    let content = read(&bytes)
        .map_err(|problem| wrong(problem, "put that line right, or take it out of the file"))?;
    Ok(Some(Arc::new(content)))
}

/// `filemd5:[!]file`
pub(crate) fn file_digest(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let (kind, transform) = match context.keyword.name {
        "filemd5" => (ListKind::Md5, Transform::ToMd5),
        "filesha1" => (ListKind::Sha1, Transform::ToSha1),
        _ => (ListKind::Sha256, Transform::ToSha256),
    };
    let word = value(option);
    let negated = word.bytes.first() == Some(&b'!');
    let skipped = usize::from(negated);
    let path = Word {
        bytes: word.bytes.get(skipped..).unwrap_or_default(),
        start: word.start + skipped,
    };
    let content = load(rule, context, path, |bytes| {
        list_files::file_digests(bytes, kind)
    })?;
    let action = if negated {
        SetAction::IsNotSet
    } else {
        SetAction::IsSet
    };
    let span = option.name.span();
    rule.inspections.push(InspectionDraft {
        buffer: Buffer::WholeFile,
        frame: None,
        transforms: vec![TransformDraft::Plain(transform)],
        matches: vec![MatchDraft::List(ListDraft {
            name: None,
            kind: Some(kind),
            content,
            question: ListQuestion::InList(action),
            span: span.clone(),
        })],
        span,
        is_sticky: true,
        asks_unrun: false,
    });
    Ok(())
}
