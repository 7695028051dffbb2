//! Which rules and indicators a policy lets run, as the sensor process leaves word of it in the state folder.
//!
//! A finding names its rule and not the rule's group or list, nor whom the rule singles out. Where the policy changes while findings
//! wait, whoever seals them has to know of each rule whether this policy lets it run, and has no pack. A rule that is in no line here was
//! not held against the policy, so what it found does not leave.
//!
//! ```text
//! policy HEX pack HEX
//! rule GID SID REV            one line a rule that may run
//! indicators FIRST LAST       numbers of indicators that may be told, both ends included
//! ```

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use lapwing_rules::{indicator::INDICATOR_GENERATOR, model::RuleId, pack::Pack};
use lapwing_wire::{PackDigest, PolicyDigest};

use super::{Admission, InForce};
use crate::whole_file;

/// The file in the state folder.
const FILE: &str = "rules-admitted";
/// Bytes that are written and read; what stands behind them counts as not admitted.
const MAX_BYTES: usize = 8 << 20;

/// The rules and indicators that a policy lets run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Ascending.
    rules: Vec<RuleId>,
    /// First and last number, ascending.
    indicators: Vec<(u32, u32)>,
}

impl Admitted {
    /// Leaves word in the state folder of what a policy lets run of a pack, unless it stands there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn tell(
        state: &Path,
        in_force: &InForce,
        pack: &Pack,
        admission: &Admission,
    ) -> io::Result<()> {
        let path = state.join(FILE);
        let first = first_line(in_force.digest(), PackDigest(*pack.digest()));
        if read_first_line(&path).is_ok_and(|known| known == first) {
            return Ok(());
        }
        let mut rules: Vec<RuleId> = pack
            .rules()
            .map(|rule| rule.id())
            .filter(|rule| !admission.refuses(*rule))
            .collect();
        rules.sort_unstable();
        let admitted = Self {
            rules,
            indicators: ranges(&Admission::admitted_indicators(in_force.policy(), pack)),
        };
        whole_file::replace(&path, admitted.to_text(&first).as_bytes())
    }

    /// What the sensor left word of for this policy; none where it has not held its rules against it yet.
    #[must_use]
    pub fn read(state: &Path, policy: PolicyDigest) -> Option<Self> {
        let file = File::open(state.join(FILE)).ok()?;
        let cap = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let mut lines = BufReader::new(file.take(cap)).lines().map_while(Result::ok);
        let first = lines.next()?;
        if first.split_whitespace().nth(1) != Some(policy.to_string().as_str()) {
            return None;
        }
        let mut admitted = Self::default();
        for line in lines {
            admitted.take(&line);
        }
        admitted.rules.sort_unstable();
        admitted.indicators.sort_unstable();
        Some(admitted)
    }

    /// Whether a rule, or an indicator by its number, may run.
    #[must_use]
    pub fn admits(&self, rule: RuleId) -> bool {
        if rule.gid == INDICATOR_GENERATOR {
            let behind = self
                .indicators
                .partition_point(|(first, _)| *first <= rule.sid);
            let range = behind
                .checked_sub(1)
                .and_then(|before| self.indicators.get(before));
            return range.is_some_and(|(_, last)| rule.sid <= *last);
        }
        self.rules.binary_search(&rule).is_ok()
    }

    fn take(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let kind = words.next();
        let numbers: Vec<u32> = words.map_while(|word| word.parse().ok()).collect();
        match (kind, numbers.as_slice()) {
            (Some("rule"), &[gid, sid, rev]) => self.rules.push(RuleId { gid, sid, rev }),
            (Some("indicators"), &[first, last]) => self.indicators.push((first, last)),
            _ => {}
        }
    }

    fn to_text(&self, first_line: &str) -> String {
        let mut text = format!("{first_line}\n");
        let rules = self
            .rules
            .iter()
            .map(|RuleId { gid, sid, rev }| format!("rule {gid} {sid} {rev}"));
        let indicators = self
            .indicators
            .iter()
            .map(|(first, last)| format!("indicators {first} {last}"));
        for line in rules.chain(indicators) {
            if text.len() + line.len() >= MAX_BYTES {
                tracing::warn!("more rules than fit the list of those that may run");
                break;
            }
            // Writing to a string does not fail.
            writeln!(text, "{line}").ok();
        }
        text
    }
}

fn first_line(policy: PolicyDigest, pack: PackDigest) -> String {
    format!("policy {policy} pack {pack}")
}

fn read_first_line(path: &Path) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(File::open(path)?.take(1024)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// The fewest ranges that hold ascending numbers.
fn ranges(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut ranges = Vec::<(u32, u32)>::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use lapwing_rules::{Settings, compile, source::Source};

    use super::*;
    use crate::policy::{SignedPolicy, TEMPLATE, file};

    fn pack() -> Pack {
        let source = |name: &str, text: &str| Source {
            name: name.into(),
            bytes: text.as_bytes().to_vec(),
        };
        let rules = "alert tcp any any -> any any (msg:\"a\"; content:\"x\"; classtype:trojan-activity; sid:7; rev:2;)\n\
             alert ip 10.1.2.3 any -> any any (msg:\"b\"; classtype:trojan-activity; sid:8; rev:1;)\n\
             alert tcp any any -> any any (msg:\"c\"; content:\"y\"; classtype:bad-unknown; sid:9; rev:1;)\n";
        let compiled = compile(&[source("test.rules", rules)], &Settings::default());
        assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
        Pack::from_bytes(compiled.pack).unwrap()
    }

    fn in_force(more: &str, digest: u8) -> InForce {
        let policy = file::parse(&format!("{TEMPLATE}\n{more}")).unwrap();
        InForce {
            signed: SignedPolicy {
                policy,
                digest: PolicyDigest([digest; 32]),
            },
            pseudonyms: None,
        }
    }

    #[test]
    fn what_may_run_is_read_back_for_its_own_policy_only() {
        let folder = tempfile::tempdir().unwrap();
        let pack = pack();
        let tell = |in_force: &InForce| {
            let admission = Admission::of(in_force.policy(), &pack);
            Admitted::tell(folder.path(), in_force, &pack, &admission).unwrap();
        };
        let rule = |sid, rev| RuleId { gid: 1, sid, rev };
        let narrow = in_force("[rules]\ngroups = ['trojan-activity']\n", 1);
        assert!(Admitted::read(folder.path(), narrow.digest()).is_none());
        tell(&narrow);
        let admitted = Admitted::read(folder.path(), narrow.digest()).unwrap();
        // Another group, one that singles out a subscriber, another revision, one that is unknown.
        let runs = [rule(7, 2), rule(9, 1), rule(8, 1), rule(7, 1), rule(77, 1)];
        assert_eq!(
            runs.map(|rule| admitted.admits(rule)),
            [true, false, false, false, false]
        );
        let wide = in_force("", 2);
        assert!(Admitted::read(folder.path(), wide.digest()).is_none());
        tell(&wide);
        let admitted = Admitted::read(folder.path(), wide.digest()).unwrap();
        assert_eq!(
            runs.map(|rule| admitted.admits(rule)),
            [true, true, false, false, false]
        );
        assert!(Admitted::read(folder.path(), narrow.digest()).is_none());
    }

    #[test]
    fn numbers_of_indicators_are_kept_as_ranges() {
        let admitted = Admitted {
            rules: Vec::new(),
            indicators: ranges(&[3, 4, 5, 9, u32::MAX]),
        };
        assert_eq!(admitted.indicators, [(3, 5), (9, 9), (u32::MAX, u32::MAX)]);
        let admits = |sid| {
            admitted.admits(RuleId {
                gid: INDICATOR_GENERATOR,
                sid,
                rev: 0,
            })
        };
        assert_eq!(
            [2, 3, 5, 6, 9, 10, u32::MAX].map(admits),
            [false, true, true, false, true, false, true]
        );
    }
}
