//! New rules for the running sensor: noticed, checked, and given to the workers. What is wrong with them leaves the old ones.
//!
//! A pack is noticed when its file changes, as `lapwing rules update` does it; SIGHUP reads packs and rule files again in any case.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lapwing_rules::pack::Pack;
use lapwing_sensor::{
    findings::{FindingsInlet, RuleCounts, RulesNow},
    rule_exchange::RuleOutlet,
    settings::{RuleSource, Rules},
};
use lapwing_wire::PackDigest;

use super::super::{load_rules, stop_signal};

/// Between two looks at the pack's file.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Takes care of the rules while the sensor runs.
pub(super) struct Reload {
    rules: Rules,
    outlet: RuleOutlet,
    findings: FindingsInlet,
    asked: Arc<AtomicBool>,
    /// The pack's file as it was last read.
    seen: Option<FileMark>,
    next_look: Instant,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileMark {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Reload {
    pub(super) fn new(
        rules: Rules,
        outlet: RuleOutlet,
        findings: FindingsInlet,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            seen: mark_of(&rules),
            rules,
            outlet,
            findings,
            asked: stop_signal::hangup()?,
            next_look: Instant::now() + LOOK_INTERVAL,
        })
    }

    /// Takes new rules if there are any.
    pub(super) fn look(&mut self) {
        let mut is_due = self.asked.swap(false, Ordering::Relaxed);
        if Instant::now() >= self.next_look {
            self.next_look = Instant::now() + LOOK_INTERVAL;
            let mark = mark_of(&self.rules);
            // A file that is away for a moment is being replaced.
            is_due |= mark.is_some() && mark != self.seen;
        }
        if !is_due {
            return;
        }
        self.seen = mark_of(&self.rules);
        let told = match self.take() {
            Ok(false) => return,
            Ok(true) => {
                let pack = self.outlet.pack();
                tracing::info!(
                    rules = pack.rule_count(),
                    pack = %PackDigest(*pack.digest()),
                    "new rules run"
                );
                self.findings.rules(now_running(pack))
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(reason, "new rules are refused, the old ones go on");
                self.findings.rules_refused(reason)
            }
        };
        if !told {
            tracing::error!("the findings thread is gone");
        }
    }

    /// Whether there were new rules.
    fn take(&mut self) -> anyhow::Result<bool> {
        self.outlet.pack().release_pages();
        let pack = load_rules::from_settings(&self.rules)?;
        if pack.digest() == self.outlet.pack().digest() {
            return Ok(false);
        }
        admit(&pack)?;
        self.outlet.exchange(pack)?;
        Ok(true)
    }
}

/// Whether a pack may run here, beyond being whole and having rules. The place for what the site's policy says about rules.
fn admit(_pack: &Pack) -> anyhow::Result<()> {
    Ok(())
}

/// What findings and status tell of the rules that run.
pub(super) fn now_running(pack: &Pack) -> RulesNow {
    RulesNow {
        counts: RuleCounts {
            loaded: u64::from(pack.rule_count()),
            unsupported: u64::try_from(pack.unsupported().count()).unwrap_or(u64::MAX),
        },
        pack: PackDigest(*pack.digest()),
    }
}

fn mark_of(rules: &Rules) -> Option<FileMark> {
    match &rules.source {
        RuleSource::Pack(path) => mark_of_file(path),
        RuleSource::Files(_) => None,
    }
}

fn mark_of_file(path: &Path) -> Option<FileMark> {
    let metadata = path.metadata().ok()?;
    Some(FileMark {
        inode: metadata.ino(),
        length: metadata.len(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    })
}
