//! The older keywords of SSH, which compare all of a part of the banner.

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, Buffer, HeaderField, NumberRange},
    source::{
        draft::{ContentDraft, MatchDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
        values::unquoted,
    },
};

/// `ssh.protoversion:2.0`, or `2_compat` for every version that can speak version 2.
pub(crate) fn protocol_version(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    if word.bytes == b"2_compat" {
        let range = NumberRange {
            min: 1,
            max: 1,
            negated: false,
        };
        let field = HeaderField::SshCompatibleWith2;
        return push_field(rule, option, AppProtocol::Ssh, field, range);
    }
    let is_version = word.bytes.first().is_some_and(u8::is_ascii_digit)
        && word
            .bytes
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if !is_version {
        return Err(Problem::value(
            word.span(),
            format!("`{}` is no version of SSH", word.text()),
        )
        .hint("write digits and dots, as 2.0, or 2_compat"));
    }
    whole_of(rule, option, Buffer::SshProto, word.bytes)
}

/// `ssh.softwareversion:OpenSSH_9.2p1`
pub(crate) fn software_version(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'.' | b'_');
    if word.bytes.is_empty() || !word.bytes.iter().all(is_plain) {
        return Err(Problem::value(
            word.span(),
            "a software has letters, digits, spaces, `-`, `.` and `_`",
        ));
    }
    whole_of(rule, option, Buffer::SshSoftware, word.bytes)
}

/// Asks for a buffer that is these bytes and no others.
fn whole_of(rule: &mut RuleDraft, option: &RuleOption<'_>, buffer: Buffer, bytes: &[u8]) -> Done {
    rule.imply(AppProtocol::Ssh, option.name.text(), &option.name.span())?;
    let index = rule.inspection_of(buffer, &option.name.span());
    rule.inspections[index]
        .matches
        .push(MatchDraft::Content(ContentDraft {
            pattern: bytes.to_vec(),
            span: option.name.span(),
            negated: false,
            nocase: false,
            offset: None,
            depth: None,
            distance: None,
            within: None,
            starts_with: true,
            ends_with: true,
            fast_pattern: None,
            raw_bytes: false,
        }));
    Ok(())
}
