//! Lints about `threshold` and `detection_filter`.

use super::{Report, lint, subject::Subject};
use crate::model::ThresholdKind;

/// The keyword that set the limit.
fn keyword(kind: ThresholdKind) -> &'static str {
    match kind {
        ThresholdKind::DetectionFilter => "detection_filter",
        _ => "threshold",
    }
}

lint! {
    /// A rate limit that lets every alert through.
    ///
    /// `type threshold` alerts at each Nth match: with a count of 1 that is every match. `detection_filter` alerts behind the
    /// Nth match.
    ///
    /// ```text
    /// alert tcp any any -> any 22 (msg:"x"; flow:to_server,established; content:"SSH-"; threshold:type threshold, track by_src, count 1, seconds 60; sid:1;)
    /// ```
    ///
    /// For one alert a minute and source write `type limit`; to alert at the fifth match write a count of 5:
    ///
    /// ```text
    /// alert tcp any any -> any 22 (msg:"x"; flow:to_server,established; content:"SSH-"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)
    /// ```
    POINTLESS_RATE_LIMIT = "pointless-rate-limit", Correctness, Warning, Rule(pointless_rate_limit)
}

fn pointless_rate_limit(subject: &Subject<'_>, report: &mut Report) {
    if let Some(limit) = subject.rule.threshold()
        && limit.kind == ThresholdKind::Threshold
        && limit.count == 1
    {
        report.say(
            subject.span("threshold"),
            "`type threshold` with a count of 1 lets every alert through",
            "write `type limit` for one alert in the window, or a count above 1",
        );
    }
}

lint! {
    /// A rate limit on a rule that never alerts.
    ///
    /// A limit is about alerts. A rule with `noalert`, and a `pass` rule, have none.
    ///
    /// ```text
    /// alert tcp any any -> any 22 (msg:"x"; flow:to_server,established; content:"SSH-"; flowbits:set,a; noalert; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)
    /// ```
    ///
    /// Put the limit on the rule that tests the bit:
    ///
    /// ```text
    /// alert tcp any any -> any 22 (msg:"x"; flow:to_server,established; content:"SSH-"; flowbits:set,a; noalert; sid:1;)
    /// ```
    RATE_LIMIT_OF_SILENT_RULE = "rate-limit-of-silent-rule", Correctness, Warning, Rule(rate_limit_of_silent_rule)
}

fn rate_limit_of_silent_rule(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    // A detection filter also decides whether a rule matches, so it has an effect without an alert.
    if let Some(limit) = rule.threshold()
        && limit.kind != ThresholdKind::DetectionFilter
        && rule.no_alert
    {
        report.say(
            subject.span(keyword(limit.kind)),
            "the rule never alerts, so there is nothing to limit",
            "put the limit on the rule that alerts",
        );
    }
}
