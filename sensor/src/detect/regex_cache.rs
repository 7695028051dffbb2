//! Regular expressions: built when first needed, kept within a number of bytes, the least recently used goes first.

use std::sync::Arc;

use lapwing_rules::pack::Pack;
use regex_automata::{
    Input,
    meta::{Cache, Regex},
    util::{captures::Captures, syntax},
};

use super::{
    content_inspection::{RegexSearch, RegexUnavailable},
    limits::{REGEX_LAZY_BYTES, REGEX_PROGRAM_BYTES_MAX},
};

#[derive(Debug)]
struct Built {
    regex: Regex,
    cache: Cache,
    used_at: u64,
}

impl Built {
    fn bytes(&self) -> usize {
        self.regex.memory_usage() + self.cache.memory_usage()
    }
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    NotBuilt,
    Built(Box<Built>),
    /// It needs backtracking, or its program is too large; it is not tried again.
    Impossible,
}

/// The expressions of one pack, for one worker.
#[derive(Debug)]
pub(crate) struct RegexCache {
    pack: Arc<Pack>,
    slots: Vec<Slot>,
    bytes_max: usize,
    /// Bytes of all built expressions when they were last measured.
    bytes: usize,
    clock: u64,
    pub(crate) builds: u64,
    pub(crate) failures: u64,
    pub(crate) evictions: u64,
}

/// Searches between two measurements of the caches, which grow by being used.
const SEARCHES_BETWEEN_MEASUREMENTS: u64 = 4_096;

impl RegexCache {
    pub(crate) fn new(pack: Arc<Pack>, bytes_max: usize) -> Self {
        let slots = (0..pack.regex_count()).map(|_| Slot::NotBuilt).collect();
        Self {
            pack,
            slots,
            bytes_max,
            bytes: 0,
            clock: 0,
            builds: 0,
            failures: 0,
            evictions: 0,
        }
    }

    /// The first capture group of the first match, as a range of `haystack`.
    pub(crate) fn first_capture(
        &mut self,
        regex: u32,
        haystack: &[u8],
    ) -> Option<std::ops::Range<usize>> {
        let built = self.built(regex).ok()?;
        let mut captures: Captures = built.regex.create_captures();
        built
            .regex
            .search_captures_with(&mut built.cache, &Input::new(haystack), &mut captures);
        captures.get_group(1).map(|group| group.range())
    }

    fn built(&mut self, regex: u32) -> Result<&mut Built, RegexUnavailable> {
        let index = usize::try_from(regex).map_err(|_| RegexUnavailable)?;
        self.clock += 1;
        if self.clock.is_multiple_of(SEARCHES_BETWEEN_MEASUREMENTS) {
            self.measure();
            self.evict(index);
        }
        if matches!(self.slots.get(index), Some(Slot::NotBuilt)) {
            self.build(index, regex);
        }
        let used_at = self.clock;
        match self.slots.get_mut(index) {
            Some(Slot::Built(built)) => {
                built.used_at = used_at;
                Ok(built)
            }
            _ => Err(RegexUnavailable),
        }
    }

    fn build(&mut self, index: usize, regex: u32) {
        let built = self
            .pack
            .regex(regex)
            .filter(|view| !view.needs_backtracking())
            .and_then(|view| compile(view.expression()));
        self.slots[index] = match built {
            Some(regex) => {
                self.builds += 1;
                let built = Box::new(Built {
                    cache: regex.create_cache(),
                    regex,
                    used_at: self.clock,
                });
                self.bytes += built.bytes();
                Slot::Built(built)
            }
            None => {
                self.failures += 1;
                Slot::Impossible
            }
        };
        self.evict(index);
    }

    fn measure(&mut self) {
        self.bytes = self
            .slots
            .iter()
            .map(|slot| match slot {
                Slot::Built(built) => built.bytes(),
                Slot::NotBuilt | Slot::Impossible => 0,
            })
            .sum();
    }

    /// Drops expressions until the rest fits; `keep` is about to be used.
    fn evict(&mut self, keep: usize) {
        while self.bytes > self.bytes_max {
            let oldest = self
                .slots
                .iter()
                .enumerate()
                .filter_map(|(index, slot)| match slot {
                    Slot::Built(built) if index != keep => Some((built.used_at, index)),
                    _ => None,
                })
                .min();
            let Some((_, index)) = oldest else { return };
            if let Slot::Built(built) = std::mem::take(&mut self.slots[index]) {
                self.bytes = self.bytes.saturating_sub(built.bytes());
                self.evictions += 1;
            }
        }
    }
}

impl RegexSearch for RegexCache {
    fn find(
        &mut self,
        regex: u32,
        haystack: &[u8],
        start: usize,
    ) -> Result<Option<(usize, usize)>, RegexUnavailable> {
        let built = self.built(regex)?;
        let input = Input::new(haystack).range(start..);
        Ok(built
            .regex
            .search_with(&mut built.cache, &input)
            .map(|found| (found.start(), found.end())))
    }
}

/// Bytes, not text: an expression of a rule knows no Unicode.
fn compile(expression: &str) -> Option<Regex> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(
            Regex::config()
                .utf8_empty(false)
                .nfa_size_limit(Some(REGEX_PROGRAM_BYTES_MAX))
                .hybrid_cache_capacity(REGEX_LAZY_BYTES),
        )
        .build(expression)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_see_bytes() {
        let regex = compile(r"(?i)^get\x20[^\x80]+\xff$").unwrap();
        assert!(regex.is_match(b"GeT x\xff".as_slice()));
        assert!(!regex.is_match(b"GeT \x80\xff".as_slice()));
    }

    #[test]
    fn an_expression_that_grows_too_large_is_refused() {
        assert!(compile(r"(?:(?:[a-z]{1,900}){900}){900}").is_none());
    }
}
