//! A draft of rules: its mistakes, what it costs, and how it differs from what is known.

use std::collections::BTreeMap;

use lapwing_rules::pack::PackError;
use lapwing_rules::source::Source;
use lapwing_rules::{Level, Settings, compile};

use crate::limits::RULE_MISTAKES_SHOWN;
use crate::rule_texts::read_rule_texts;
use crate::store::{RuleText, Store, StoreError};

/// What a draft comes to.
#[derive(Debug)]
pub struct Checked {
    pub rules: Vec<RuleText>,
    pub compiled: usize,
    pub unsupported: usize,
    pub refused: usize,
    /// Bytes of the pack that a sensor would map.
    pub pack_bytes: usize,
    /// The first of the remarks.
    pub remarks: Vec<Remark>,
}

/// A mistake, a warning or a hint of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub is_error: bool,
    pub line: u32,
    pub text: String,
}

/// A rule against the rule of the same number that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    New,
    /// Another text under a higher revision.
    Changed,
    /// Another text under the same or a lower revision: sensors would not take it for newer.
    NotNewer,
    Same,
}

/// Checks a draft.
///
/// # Errors
/// When what was compiled cannot be opened again, which would be a defect.
pub fn check(text: &str) -> Result<Checked, PackError> {
    let source = || Source {
        name: "draft".into(),
        bytes: text.as_bytes().to_vec(),
    };
    let compiled = compile(&[source()], &Settings::default());
    let texts = read_rule_texts(&[source()], Settings::default())?;
    let remarks = compiled
        .diagnostics
        .iter()
        .take(RULE_MISTAKES_SHOWN)
        .map(|diagnostic| Remark {
            is_error: diagnostic.level == Level::Error,
            line: diagnostic.line,
            text: diagnostic.to_string(),
        })
        .collect();
    Ok(Checked {
        rules: texts.rules,
        compiled: compiled.counts.compiled,
        unsupported: compiled.counts.unsupported,
        refused: compiled.counts.refused,
        pack_bytes: compiled.pack.len(),
        remarks,
    })
}

impl Checked {
    /// Each rule with how it differs from what the store knows.
    ///
    /// # Errors
    /// When the database fails.
    pub fn differences(&self, store: &Store) -> Result<Vec<(&RuleText, Difference)>, StoreError> {
        let mut known = BTreeMap::new();
        for rule in &self.rules {
            if let Some(text) = store.rule_text(rule.gid, rule.sid)? {
                known.insert((rule.gid, rule.sid), text);
            }
        }
        let difference = |rule: &RuleText| match known.get(&(rule.gid, rule.sid)) {
            None => Difference::New,
            Some(old) if old.body == rule.body && old.rev == rule.rev => Difference::Same,
            Some(old) if old.rev < rule.rev => Difference::Changed,
            Some(_) => Difference::NotNewer,
        };
        Ok(self
            .rules
            .iter()
            .map(|rule| (rule, difference(rule)))
            .collect())
    }
}

impl Difference {
    /// The end of its message's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::NotNewer => "not-newer",
            Self::Same => "same",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "alert tcp any any -> any 80 (msg:\"A\"; content:\"x\"; sid:7; rev:1;)";

    #[test]
    fn a_draft_tells_its_mistakes_and_its_size() {
        let checked = check(&format!("{RULE}\nalert tcp any any -> any any (sid:x;)\n")).unwrap();
        assert_eq!((checked.compiled, checked.refused), (1, 1));
        assert!(checked.pack_bytes > 0);
        assert!(
            checked
                .remarks
                .iter()
                .any(|remark| remark.is_error && remark.line == 2)
        );
    }

    #[test]
    fn a_draft_is_held_against_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("centre.db")).unwrap();
        let difference = |text: &str| check(text).unwrap().differences(&store).unwrap()[0].1;
        assert_eq!(difference(RULE), Difference::New);
        store
            .import_rules("test", &check(RULE).unwrap().rules)
            .unwrap();
        assert_eq!(difference(RULE), Difference::Same);
        assert_eq!(
            difference(&RULE.replace("\"x\"", "\"y\"")),
            Difference::NotNewer
        );
        let newer = RULE.replace("\"x\"", "\"y\"").replace("rev:1", "rev:2");
        assert_eq!(difference(&newer), Difference::Changed);
    }
}
