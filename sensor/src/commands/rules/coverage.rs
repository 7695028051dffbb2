//! `lapwing rules coverage`: how many rules run in full, and why the others do not.

use std::{collections::BTreeMap, io::Write, process::ExitCode};

use lapwing_rules::{Compiled, Level};

pub(super) fn run(
    out: &mut impl Write,
    compiled: &Compiled,
    all: bool,
) -> anyhow::Result<ExitCode> {
    let counts = compiled.counts;
    let total = counts.compiled + counts.unsupported + counts.refused;
    writeln!(
        out,
        "{} of {total} rules run in full ({})",
        counts.compiled,
        share(counts.compiled, total)
    )?;
    // Rules by reason; a rule with several reasons stands under each.
    let mut reasons: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for remark in &compiled.unsupported {
        let rules = reasons.entry(&remark.message).or_default();
        rules.extend(remark.sid);
    }
    let mut reasons: Vec<_> = reasons
        .into_iter()
        .map(|(reason, mut rules)| {
            rules.sort_unstable();
            rules.dedup();
            (reason, rules)
        })
        .collect();
    reasons.sort_by_key(|(reason, rules)| (std::cmp::Reverse(rules.len()), *reason));
    writeln!(
        out,
        "{} are not supported by this version:",
        counts.unsupported
    )?;
    for (reason, rules) in reasons {
        writeln!(out, "{:8}  {reason}", rules.len())?;
        if all {
            let sids: Vec<String> = rules.iter().map(u32::to_string).collect();
            writeln!(out, "          sid {}", sids.join(", "))?;
        }
    }
    writeln!(out, "{} were refused:", counts.refused)?;
    for diagnostic in &compiled.diagnostics {
        if diagnostic.level == Level::Error {
            writeln!(out, "          {diagnostic}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A share in percent, rounded down to a tenth so that 100.0 % means all.
fn share(part: usize, total: usize) -> String {
    let tenths = (part * 1000).checked_div(total).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn only_all_is_a_hundred_percent() {
        assert_eq!(share(20_017, 20_018), "99.9 %");
        assert_eq!(share(5, 5), "100.0 %");
        assert_eq!(share(0, 0), "100.0 %");
    }
}
