//! `threshold` and `detection_filter`: how often a rule alerts.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{Threshold, ThresholdKind, TrackBy},
    source::{
        draft::{LimitDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
        values::{list, number_u32, split_space},
    },
};

/// The items of both keywords, each at most once.
#[derive(Default)]
struct Items {
    kind: Option<ThresholdKind>,
    track: Option<TrackBy>,
    count: Option<u32>,
    seconds: Option<u32>,
}

fn read(option: &RuleOption<'_>, is_filter: bool) -> Result<Items, Problem> {
    let word = value(option);
    let mut items = Items::default();
    for item in list(word) {
        let (key, what) = split_space(item);
        let unknown = || {
            Problem::value(
                item.span(),
                format!("`{}` is not expected here", item.text()),
            )
        };
        let is_second = match key.bytes {
            b"type" if !is_filter => {
                let kind = match what.bytes {
                    b"limit" => ThresholdKind::Limit,
                    b"threshold" => ThresholdKind::Threshold,
                    b"both" => ThresholdKind::Both,
                    _ => {
                        return Err(Problem::value(
                            item.span(),
                            "a type is limit, threshold or both",
                        ));
                    }
                };
                items.kind.replace(kind).is_some()
            }
            b"track" => {
                let track = match what.bytes {
                    b"by_src" => TrackBy::Source,
                    b"by_dst" => TrackBy::Destination,
                    b"by_both" if !is_filter => TrackBy::Both,
                    b"by_rule" if !is_filter => TrackBy::Rule,
                    _ if is_filter => {
                        return Err(Problem::value(
                            item.span(),
                            "a filter counts by_src or by_dst",
                        ));
                    }
                    _ => {
                        return Err(Problem::value(
                            item.span(),
                            "it is counted by_src, by_dst, by_both or by_rule",
                        ));
                    }
                };
                items.track.replace(track).is_some()
            }
            b"count" => items.count.replace(number_u32(what)?).is_some(),
            b"seconds" => items.seconds.replace(number_u32(what)?).is_some(),
            _ => return Err(unknown()),
        };
        if is_second {
            return Err(Problem::value(
                item.span(),
                format!("`{}` stands here twice", key.text()),
            ));
        }
    }
    Ok(items)
}

fn set(rule: &mut RuleDraft, option: &RuleOption<'_>, items: &Items, kind: ThresholdKind) -> Done {
    if let Some(LimitDraft::Threshold(before)) = rule.limits.first() {
        let filters = [before.kind, kind].map(|kind| kind == ThresholdKind::DetectionFilter);
        if filters.contains(&true) {
            return Err(Problem::error(
                "duplicate-keyword",
                option.name.span(),
                "a rule has one `detection_filter`, and none beside `threshold`",
            ));
        }
        rule.unsupported(
            &option.name.span(),
            "a rule has one `threshold`: the reference does not load it with a second",
        );
        return Ok(());
    }
    let (Some(track), Some(count), Some(seconds)) = (items.track, items.count, items.seconds)
    else {
        return Err(Problem::value(
            value(option).span(),
            "track, count and seconds are needed",
        ));
    };
    if count == 0 || seconds == 0 {
        return Err(Problem::value(
            value(option).span(),
            "count and seconds are greater than 0",
        ));
    }
    rule.limits.push(LimitDraft::Threshold(Threshold {
        kind,
        track,
        count,
        seconds,
    }));
    Ok(())
}

pub(crate) fn threshold(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = read(option, false)?;
    let kind = items.kind.ok_or_else(|| {
        Problem::value(
            value(option).span(),
            "type limit, threshold or both is needed",
        )
    })?;
    set(rule, option, &items, kind)
}

pub(crate) fn detection_filter(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let items = read(option, true)?;
    set(rule, option, &items, ThresholdKind::DetectionFilter)
}
