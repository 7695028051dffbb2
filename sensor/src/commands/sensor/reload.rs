//! New rules for the running sensor: noticed, checked, and given to the workers. What is wrong with them leaves the old ones.
//!
//! A pack is noticed when its file changes, as `lapwing rules update` does it; SIGHUP reads packs and rule files again in any case.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use lapwing_rules::pack::Pack;
use lapwing_sensor::{
    findings::{FindingsInlet, RuleCounts, RulesNow},
    policy::{Admission, Admitted, HeldAgainst, PolicyInForce},
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
    policy: PolicyInForce,
    /// Where word is left of which rules the policy lets run.
    state: PathBuf,
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
        policy: PolicyInForce,
        state: PathBuf,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            seen: mark_of(&rules),
            rules,
            outlet,
            findings,
            asked: stop_signal::hangup()?,
            policy,
            state,
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
            if self.policy.refresh() {
                self.hold_again();
            }
        }
        if !is_due {
            return;
        }
        self.seen = mark_of(&self.rules);
        let told = match self.take() {
            Ok(None) => return,
            Ok(Some(admission)) => {
                let pack = self.outlet.pack();
                tracing::info!(
                    rules = pack.rule_count(),
                    pack = %PackDigest(*pack.digest()),
                    "new rules run"
                );
                self.findings.rules(now_running(pack, admission))
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

    /// What the policy says of the new rules; none where there are no new ones.
    fn take(&mut self) -> anyhow::Result<Option<Arc<Admission>>> {
        self.outlet.pack().release_pages();
        let pack = load_rules::from_settings(&self.rules)?;
        if pack.digest() == self.outlet.pack().digest() {
            return Ok(None);
        }
        let admission = admit(&self.policy, &pack);
        if admission.refuses_all_of(&pack) {
            bail!("the policy refuses every rule of it");
        }
        let restriction = Arc::new(admission.restriction.clone());
        self.outlet.exchange(Arc::clone(&pack), restriction)?;
        leave_word(&self.state, &self.policy, &pack, &admission);
        Ok(Some(admission))
    }

    /// Another policy is in force: the rules that run are held against it.
    fn hold_again(&mut self) {
        let pack = Arc::clone(self.outlet.pack());
        let admission = admit(&self.policy, &pack);
        leave_word(&self.state, &self.policy, &pack, &admission);
        let restriction = Arc::new(admission.restriction.clone());
        match self.outlet.exchange(Arc::clone(&pack), restriction) {
            Ok(()) => {
                if !self.findings.rules(now_running(&pack, admission)) {
                    tracing::error!("the findings thread is gone");
                }
            }
            // What comes of refused rules and excluded traffic is held back where findings are released.
            Err(error) => tracing::error!(%error, "the policy does not reach the rules"),
        }
    }
}

/// Holds a pack against the policy in force. Without one nothing leaves, whatever runs.
pub(super) fn admit(policy: &PolicyInForce, pack: &Pack) -> Arc<Admission> {
    let admission = match policy.current() {
        Ok(in_force) => Admission::of(in_force.policy(), pack)
            .held_against(HeldAgainst::Policy(in_force.digest())),
        Err(_) => Admission::default().held_against(HeldAgainst::NoPolicy),
    };
    for refusal in &admission.told {
        tracing::warn!(
            rule = refusal.said(),
            reason = refusal.reason.name(),
            "the policy refuses a rule"
        );
    }
    if admission.refused() > 0 {
        tracing::warn!(
            refused = admission.refused(),
            "the policy refuses rules or indicators"
        );
    }
    Arc::new(admission)
}

/// Lets whoever seals what waits know which rules the policy lets run.
pub(super) fn leave_word(state: &Path, policy: &PolicyInForce, pack: &Pack, admission: &Admission) {
    if let Ok(in_force) = policy.current()
        && let Err(error) = Admitted::tell(state, in_force, pack, admission)
    {
        tracing::error!(%error, "findings of another policy wait: cannot leave word of which rules this one lets run");
    }
}

/// What findings and status tell of the rules that run.
pub(super) fn now_running(pack: &Pack, admission: Arc<Admission>) -> RulesNow {
    RulesNow {
        counts: RuleCounts {
            loaded: admission.running_of(pack),
            unsupported: u64::try_from(pack.unsupported().count()).unwrap_or(u64::MAX),
        },
        pack: PackDigest(*pack.digest()),
        admission,
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
