//! Which indicators two canonical packs have differently.

use std::{cmp::Ordering, io::Write};

use lapwing_rules::{
    indicator::{IndicatorKind, shown_prefix},
    pack::{CanonicalPack, IndicatorView},
};
use serde::Serialize;

use super::Form;

/// One indicator that is different.
#[derive(Serialize)]
struct Changed {
    change: &'static str,
    kind: IndicatorKind,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Told>,
}

/// What a pack says of a value.
#[derive(Serialize)]
struct Told {
    id: u32,
    severity: u8,
    list: u16,
}

impl Told {
    fn of((view, _): (IndicatorView, &str)) -> Self {
        Self {
            id: view.id,
            severity: view.severity,
            list: view.list,
        }
    }

    fn text(&self) -> String {
        format!(
            "id {}, severity {}, list {}",
            self.id, self.severity, self.list
        )
    }
}

/// Tells every indicator that is different; gives how many there are.
pub(super) fn differences(
    out: &mut impl Write,
    old: &CanonicalPack,
    new: &CanonicalPack,
    form: Form,
) -> anyhow::Result<usize> {
    let (mut before, mut after) = (old.indicators().peekable(), new.indicators().peekable());
    let mut counts = [0_usize; 3];
    loop {
        let identity = |(view, _): &(IndicatorView, &str)| (view.kind, view.key, view.prefix_bits);
        let order = match (before.peek(), after.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => identity(before).cmp(&identity(after)),
        };
        let gone = if order.is_le() { before.next() } else { None };
        let come = if order.is_ge() { after.next() } else { None };
        let (Some(one), true) = (come.or(gone), gone != come) else {
            continue;
        };
        let (change, slot) = match (gone, come) {
            (None, _) => ("added", 0),
            (_, None) => ("removed", 1),
            _ => ("changed", 2),
        };
        counts[slot] += 1;
        let changed = Changed {
            change,
            kind: one.0.kind,
            value: shown(one),
            before: gone.map(Told::of),
            after: come.map(Told::of),
        };
        tell(out, &changed, form)?;
    }
    let [added, removed, changed] = counts;
    let all = added + removed + changed;
    if all > 0 && matches!(form, Form::Text) {
        writeln!(
            out,
            "indicators: {added} added, {removed} removed, {changed} changed"
        )?;
    }
    Ok(all)
}

fn shown((view, value): (IndicatorView, &str)) -> String {
    match view.kind {
        IndicatorKind::Address => shown_prefix(view.key, view.prefix_bits),
        IndicatorKind::Ja3 | IndicatorKind::Ja3s => hex::encode(view.key),
        _ => value.to_owned(),
    }
}

fn tell(out: &mut impl Write, changed: &Changed, form: Form) -> anyhow::Result<()> {
    if matches!(form, Form::Json) {
        writeln!(out, "{}", serde_json::to_string(changed)?)?;
        return Ok(());
    }
    let said = [&changed.before, &changed.after].map(|told| told.as_ref().map(Told::text));
    let said: Vec<String> = said.into_iter().flatten().collect();
    writeln!(
        out,
        "{} indicator {} {}: {}",
        changed.change,
        changed.kind.name(),
        changed.value,
        said.join(" -> ")
    )?;
    Ok(())
}
