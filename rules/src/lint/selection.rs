//! Which remarks are shown, and how bad each is: what the command line says about codes and groups.

use std::collections::BTreeSet;

use super::{Group, LINTS};
use crate::{
    diagnostic::{Diagnostic, Level},
    help,
};

/// Which remarks are shown.
#[derive(Clone, Debug)]
pub struct Selection {
    allowed: BTreeSet<&'static str>,
    denied: BTreeSet<&'static str>,
    least: Level,
}

/// A name that is neither a code nor a group.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither the code of a remark nor a group of lints (correctness, cost, metadata, style); `lapwing rules help` lists them"
)]
pub struct SelectionError(pub String);

impl Default for Selection {
    /// Errors and warnings.
    fn default() -> Self {
        Self {
            allowed: BTreeSet::new(),
            denied: BTreeSet::new(),
            least: Level::Warning,
        }
    }
}

/// The codes that a name stands for.
fn codes(name: &str) -> Result<Vec<&'static str>, SelectionError> {
    let of_group: Vec<&'static str> = Group::ALL
        .into_iter()
        .filter(|group| group.name() == name)
        .flat_map(|group| LINTS.iter().filter(move |lint| lint.group == group))
        .map(|lint| lint.code)
        .collect();
    if !of_group.is_empty() {
        return Ok(of_group);
    }
    help::find(name)
        .map(|topic| vec![topic.code()])
        .ok_or_else(|| SelectionError(name.to_owned()))
}

impl Selection {
    /// Shows everything from this level on.
    #[must_use]
    pub fn from_level(mut self, least: Level) -> Self {
        self.least = least;
        self
    }

    /// Does not show remarks of a code or group. What keeps a rule from being loaded is shown all the same.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn allow(&mut self, name: &str) -> Result<(), SelectionError> {
        self.allowed.extend(codes(name)?);
        Ok(())
    }

    /// Makes remarks of a code or group errors. A code that is both allowed and denied is denied.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn deny(&mut self, name: &str) -> Result<(), SelectionError> {
        self.denied.extend(codes(name)?);
        Ok(())
    }

    /// The remark with the level it has now, if it is shown.
    pub(super) fn apply(&self, mut diagnostic: Diagnostic) -> Option<Diagnostic> {
        if diagnostic.level == Level::Error {
            return Some(diagnostic);
        }
        if self.denied.contains(diagnostic.code) {
            diagnostic.level = Level::Error;
            return Some(diagnostic);
        }
        (!self.allowed.contains(diagnostic.code) && diagnostic.level <= self.least)
            .then_some(diagnostic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_for_their_codes() {
        let mut selection = Selection::default();
        selection.allow("cost").unwrap();
        selection.deny("short-fast-pattern").unwrap();
        assert!(selection.allowed.contains("no-prefilter"));
        assert!(selection.denied.contains("short-fast-pattern"));
        assert_eq!(
            selection.deny("nonsense"),
            Err(SelectionError("nonsense".to_owned()))
        );
    }
}
