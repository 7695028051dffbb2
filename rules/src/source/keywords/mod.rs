//! What each keyword does to a rule. The keyword table names these functions; each file holds one family.

pub(super) mod asn1;
pub(super) mod bits;
pub(super) mod buffers;
pub(super) mod byte_keywords;
pub(super) mod checked;
pub(super) mod content;
pub(super) mod dcerpc;
pub(super) mod dnp3;
pub(super) mod enip;
mod enumeration;
pub(super) mod files;
pub(super) mod flow;
pub(super) mod frames;
pub(super) mod header_fields;
pub(super) mod http2;
pub(super) mod ike;
pub(super) mod kerberos;
pub(super) mod ldap;
mod ldap_names;
pub(super) mod lists;
pub(super) mod meta;
pub(super) mod modbus;
pub(super) mod mqtt;
pub(super) mod regex;
mod regex_backtracking;
mod regex_translation;
pub(super) mod reputation;
pub(super) mod rfb;
pub(super) mod rpc;
pub(super) mod ssh;
pub(super) mod thresholds;
pub(super) mod tls;
pub(super) mod transaction_fields;
pub(super) mod variables;
pub(super) mod websocket;

use super::{
    draft::RuleDraft,
    problem::Problem,
    syntax::{RuleOption, Word},
};

/// What every keyword function gives.
pub(super) type Done = Result<(), Problem>;

/// The option's value; the parser has made sure that there is one where the keyword requires it.
pub(super) fn value<'a>(option: &RuleOption<'a>) -> Word<'a> {
    option.value.unwrap_or(Word {
        bytes: b"",
        start: option.name.span().end,
    })
}

/// Refuses a keyword that stands in the rule already.
pub(super) fn once(rule: &mut RuleDraft, option: &RuleOption<'_>, keyword: &'static str) -> Done {
    if rule.seen.contains(&keyword) {
        return Err(Problem::error(
            "duplicate-keyword",
            option.name.span(),
            format!("`{keyword}` may stand once only"),
        ));
    }
    rule.seen.push(keyword);
    Ok(())
}
