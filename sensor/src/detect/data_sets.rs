//! Lists of the pack as they are now: what the pack holds, and what rules added to it and took out since.

use std::sync::Arc;

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::{
    model::{ListId, ListKey, NumberRange, SetAction},
    pack::Pack,
};

use super::limits::DATA_SET_CHANGES_MAX;

/// All lists of one pack, for one worker.
#[derive(Debug)]
pub(crate) struct DataSets {
    pack: Arc<Pack>,
    /// Where a set differs from the pack: whether the key is in it.
    changes: HashMap<(ListId, ListKey), bool, RandomState>,
    /// Changes not made because there were too many.
    pub(crate) over_cap: u64,
}

impl DataSets {
    pub(crate) fn new(pack: Arc<Pack>) -> Self {
        Self {
            pack,
            changes: HashMap::with_hasher(RandomState::new()),
            over_cap: 0,
        }
    }

    /// Forgets what rules changed.
    pub(crate) fn clear(&mut self) {
        self.changes.clear();
    }

    /// Does what a rule asks with a buffer; whether that holds. Setting what is there already, and unsetting what is not, does not.
    pub(crate) fn apply(&mut self, list: ListId, action: SetAction, buffer: &[u8]) -> bool {
        let key = self
            .pack
            .list(list)
            .and_then(|view| view.kind().key(buffer));
        let Some(key) = key else {
            // What cannot be in the list is not there; of an empty buffer nothing is said.
            return action == SetAction::IsNotSet && !buffer.is_empty();
        };
        let is_there = self.contains(list, &key);
        match action {
            SetAction::IsSet => is_there,
            SetAction::IsNotSet => !is_there,
            SetAction::Set => !is_there && self.change(list, key, true),
            SetAction::Unset => is_there && self.change(list, key, false),
        }
    }

    /// Whether a list gives a buffer a reputation in `range`.
    pub(crate) fn is_rated(&self, list: ListId, range: NumberRange, buffer: &[u8]) -> bool {
        self.pack.list(list).is_some_and(|view| {
            let key = view.kind().key(buffer);
            key.and_then(|key| view.value(&key))
                .is_some_and(|value| range.contains(u64::from(value)))
        })
    }

    fn contains(&self, list: ListId, key: &ListKey) -> bool {
        let of_pack = || self.pack.list(list).is_some_and(|view| view.contains(key));
        let change = self.changes.get(&(list, *key));
        change.copied().unwrap_or_else(of_pack)
    }

    fn change(&mut self, list: ListId, key: ListKey, is_in: bool) -> bool {
        if self
            .pack
            .list(list)
            .is_some_and(|view| view.contains(&key) == is_in)
        {
            // As in the pack again.
            self.changes.remove(&(list, key));
            return true;
        }
        let is_new = !self.changes.contains_key(&(list, key));
        if is_new && self.changes.len() >= DATA_SET_CHANGES_MAX {
            self.over_cap += 1;
            return false;
        }
        self.changes.insert((list, key), is_in);
        true
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::{
        Settings,
        source::{ListFiles, Source},
    };

    use super::*;

    fn sets(rules: &str, file: &str) -> DataSets {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list"), file).unwrap();
        let source = Source {
            name: folder.path().join("a.rules").to_str().unwrap().into(),
            bytes: rules.as_bytes().to_vec(),
        };
        let settings = Settings {
            list_files: ListFiles::BesideTheRules,
            ..Settings::default()
        };
        let compiled = lapwing_rules::compile(&[source], &settings);
        assert_eq!(compiled.diagnostics, []);
        DataSets::new(Arc::new(Pack::from_bytes(compiled.pack).unwrap()))
    }

    #[test]
    fn sets_begin_as_the_pack_has_them_and_change() {
        let mut sets = sets(
            "alert http any any -> any any (http.host; dataset:isset,hosts,type string,load list; sid:1;)",
            "YS5leGFtcGxl\n",
        );
        let list = ListId(0);
        assert!(sets.apply(list, SetAction::IsSet, b"a.example"));
        assert!(sets.apply(list, SetAction::IsNotSet, b"b.example"));
        assert!(!sets.apply(list, SetAction::Set, b"a.example"));
        assert!(sets.apply(list, SetAction::Set, b"b.example"));
        assert!(!sets.apply(list, SetAction::Set, b"b.example"));
        assert!(sets.apply(list, SetAction::Unset, b"a.example"));
        assert!(!sets.apply(list, SetAction::IsSet, b"a.example"));
        assert!(!sets.apply(list, SetAction::IsNotSet, b""));
        sets.clear();
        assert!(sets.apply(list, SetAction::IsSet, b"a.example"));
        assert!(!sets.apply(list, SetAction::IsSet, b"b.example"));
    }

    #[test]
    fn what_rules_add_is_bounded_and_counted() {
        let mut sets = sets(
            "alert http any any -> any any (http.host; dataset:set,hosts,type string; sid:1;)",
            "",
        );
        for number in 0..DATA_SET_CHANGES_MAX + 3 {
            sets.apply(ListId(0), SetAction::Set, number.to_string().as_bytes());
        }
        assert_eq!(sets.changes.len(), DATA_SET_CHANGES_MAX);
        assert_eq!(sets.over_cap, 3);
    }

    #[test]
    fn reputations_are_compared() {
        let sets = sets(
            "alert http any any -> any any (http.host; datarep:hosts,>,200,load list,type string; sid:1;)",
            "YS5leGFtcGxl,250\n",
        );
        let above = |min| NumberRange {
            min,
            max: u64::MAX,
            negated: false,
        };
        assert!(sets.is_rated(ListId(0), above(201), b"a.example"));
        assert!(!sets.is_rated(ListId(0), above(251), b"a.example"));
        assert!(!sets.is_rated(ListId(0), above(0), b"b.example"));
    }
}
