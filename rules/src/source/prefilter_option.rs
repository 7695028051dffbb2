//! `prefilter`: which keyword it is about, and what the reference refuses and forgets with it.
//!
//! It changes speed only, and here not even that; but a rule that the reference refuses is refused here, and one that it never
//! matches is not matched here.

use super::{
    draft::{ConditionDraft, RuleDraft},
    keyword_table::{self, Keyword, Role},
    problem::Problem,
    syntax::{RuleOption, RuleSyntax, Span},
};
use crate::model::{NumberRange, PacketCondition};

/// Keywords whose numbers or states the reference can prefilter by.
const SUPPORTED: &[&str] = &[
    "app-layer-protocol",
    "content",
    "dsize",
    "fileext",
    "filemagic",
    "filename",
    "flow",
    "flow.age",
    "fragbits",
    "fragoffset",
    "icmp_id",
    "icmp_seq",
    "icmpv6.mtu",
    "icode",
    "id",
    "itype",
    "stream_size",
    "tcp.ack",
    "tcp.flags",
    "tcp.mss",
    "tcp.seq",
    "tls.fingerprint",
    "ttl",
    "uricontent",
];

/// Of those, the ones whose `!` the prefilter knows.
const KNOW_NEGATION: &[&str] = &[
    "app-layer-protocol",
    "content",
    "fileext",
    "filemagic",
    "filename",
    "tls.fingerprint",
    "uricontent",
];

/// Keywords that say something about the rule, or about the keyword before them, and match nothing themselves.
const MATCH_NOTHING: &[&str] = &[
    "msg",
    "sid",
    "gid",
    "rev",
    "classtype",
    "priority",
    "reference",
    "metadata",
    "target",
    "requires",
    "noalert",
    "alert",
    "threshold",
    "detection_filter",
    "nocase",
    "offset",
    "depth",
    "distance",
    "within",
    "startswith",
    "endswith",
    "rawbytes",
    "fast_pattern",
    "replace",
    "pkt_data",
    "bypass",
    "prefilter",
];

/// Checks every `prefilter` of a rule whose other options were read.
pub(super) fn check(syntax: &RuleSyntax<'_>, draft: &mut RuleDraft) -> Result<(), Problem> {
    let mut has_one = false;
    for (at, option) in syntax.options.iter().enumerate() {
        if keyword(option).is_none_or(|keyword| keyword.name != "prefilter") {
            continue;
        }
        let wrong =
            |message: String| Problem::error("misplaced-prefilter", option.name.span(), message);
        let before = syntax.options[..at]
            .iter()
            .rev()
            .find(|before| matches_something(before));
        let (Some(before), false) = (before, has_one) else {
            return Err(wrong(if has_one {
                "one keyword of a rule can be the prefilter".to_owned()
            } else {
                "`prefilter` needs a keyword before it that matches something".to_owned()
            }));
        };
        has_one = true;
        let supported = keyword(before).is_some_and(|keyword| SUPPORTED.contains(&keyword.name));
        if !supported {
            return Err(
                wrong(format!("`{}` cannot be the prefilter", before.name.text()))
                    .hint("leave `prefilter` out"),
            );
        }
        let operators = before.value.map_or(&[][..], |value| value.bytes);
        // The reference's prefilters over numbers know no `<=`, `>=` and `!`: such a rule never matches there.
        let is_forgotten = !KNOW_NEGATION.contains(&before.name.text())
            && [&b"<="[..], b">=", b"!"]
                .iter()
                .any(|operator| operators.starts_with(operator));
        if is_forgotten {
            never_match(draft, option.name.span());
        }
    }
    Ok(())
}

fn keyword(option: &RuleOption<'_>) -> Option<&'static Keyword> {
    keyword_table::find(option.name.text())
}

fn matches_something(option: &RuleOption<'_>) -> bool {
    keyword(option).is_some_and(|keyword| {
        !MATCH_NOTHING.contains(&keyword.name)
            && !matches!(
                keyword.role,
                Role::Sticky(_) | Role::Modifier(_) | Role::Transform(_) | Role::ForeignBuffer(_)
            )
    })
}

/// Makes the numbers that a rule asks for such that none fits.
fn never_match(draft: &mut RuleDraft, span: Span) {
    let mut has_number = false;
    for condition in &mut draft.conditions {
        if let ConditionDraft::Plain(PacketCondition::Field(_, range)) = condition {
            *range = NumberRange::NONE;
            has_number = true;
        }
    }
    let what = "with `<=`, `>=` or `!` before it, a rule never matches in the reference";
    if has_number {
        draft
            .remarks
            .push(Problem::warning("never-matches", span, what).hint("leave `prefilter` out"));
    } else {
        draft.unsupported(&span, what);
    }
}
