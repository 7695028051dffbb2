//! Regular expressions: built when first needed, kept within a number of bytes, the least recently used goes first.
//!
//! Two engines: one that runs in linear time, and one with limits for what needs backtracking.

use std::{ops::Range, sync::Arc};

use lapwing_rules::{
    model::Capture,
    pack::{Pack, RegexView},
};
use regex_automata::{
    Input,
    meta::{Cache, Regex},
    util::{captures::Captures, syntax},
};

use super::{
    backtracking::{Backtracking, LimitHit},
    content_inspection::{RegexSearch, RegexUnavailable},
    limits::{
        BACKTRACKING_PROGRAM_BYTES, BACKTRACKING_SEARCH_COST_BYTES, REGEX_LAZY_BYTES,
        REGEX_PROGRAM_BYTES_MAX,
    },
};

#[derive(Debug)]
enum Engine {
    Linear { regex: Regex, cache: Box<Cache> },
    Backtracking(Backtracking),
}

impl Engine {
    fn build(view: &RegexView<'_>) -> Option<Self> {
        if view.needs_backtracking() {
            Backtracking::compile(view.expression()).map(Self::Backtracking)
        } else {
            compile(view.expression()).map(|regex| Self::Linear {
                cache: Box::new(regex.create_cache()),
                regex,
            })
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Linear { regex, cache } => regex.memory_usage() + cache.memory_usage(),
            Self::Backtracking(_) => BACKTRACKING_PROGRAM_BYTES,
        }
    }
}

#[derive(Debug)]
struct Built {
    engine: Engine,
    used_at: u64,
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    NotBuilt,
    Built(Box<Built>),
    /// Its program is too large; it is not tried again.
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
    /// Searches that hit a limit of backtracking.
    pub(crate) limit_hits: u64,
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
            limit_hits: 0,
        }
    }

    /// Counts on from another one's counters.
    pub(crate) fn count_on(&mut self, before: &Self) {
        self.builds = before.builds;
        self.failures = before.failures;
        self.evictions = before.evictions;
        self.limit_hits = before.limit_hits;
    }

    /// The first capture group of the first match, as a range of `haystack`.
    pub(crate) fn first_capture(&mut self, regex: u32, haystack: &[u8]) -> Option<Range<usize>> {
        match &mut self.built(regex).ok()?.engine {
            Engine::Linear { regex, cache } => {
                let mut captures: Captures = regex.create_captures();
                regex.search_captures_with(cache, &Input::new(haystack), &mut captures);
                captures.get_group(1).map(|group| group.range())
            }
            Engine::Backtracking(regex) => match regex.first_capture(haystack) {
                Ok(capture) => capture,
                Err(LimitHit) => {
                    self.limit_hits += 1;
                    None
                }
            },
        }
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
        let engine = self.pack.regex(regex).and_then(|view| Engine::build(&view));
        self.slots[index] = match engine {
            Some(engine) => {
                self.builds += 1;
                self.bytes += engine.bytes();
                Slot::Built(Box::new(Built {
                    engine,
                    used_at: self.clock,
                }))
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
                Slot::Built(built) => built.engine.bytes(),
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
                self.bytes = self.bytes.saturating_sub(built.engine.bytes());
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
        match &mut self.built(regex)?.engine {
            Engine::Linear { regex, cache } => {
                let input = Input::new(haystack).range(start..);
                Ok(regex
                    .search_with(cache, &input)
                    .map(|found| (found.start(), found.end())))
            }
            Engine::Backtracking(regex) => regex.find(haystack, start).map_err(|LimitHit| {
                self.limit_hits += 1;
                RegexUnavailable
            }),
        }
    }

    fn captures(
        &mut self,
        regex: u32,
        haystack: &[u8],
        start: usize,
        wanted: &[Capture],
        captured: &mut Vec<(Capture, Vec<u8>)>,
    ) {
        let Ok(built) = self.built(regex) else { return };
        let mut keep = |group_of: &dyn Fn(usize) -> Option<Range<usize>>| {
            for capture in wanted {
                let group = group_of(usize::from(capture.group));
                if let Some(text) = group.and_then(|group| haystack.get(group)) {
                    captured.push((*capture, text.to_vec()));
                }
            }
        };
        match &mut built.engine {
            Engine::Linear { regex, cache } => {
                let mut groups: Captures = regex.create_captures();
                let input = Input::new(haystack).range(start..);
                regex.search_captures_with(cache, &input, &mut groups);
                keep(&|group| groups.get_group(group).map(|span| span.range()));
            }
            Engine::Backtracking(regex) => {
                if let Ok(Some(groups)) = regex.search(haystack, start) {
                    keep(&|group| groups.get(group).map(|(start, end)| start..end));
                }
            }
        }
    }

    fn search_cost(&self, regex: u32, haystack: &[u8]) -> u64 {
        let bytes = u64::try_from(haystack.len()).unwrap_or(u64::MAX);
        match self
            .pack
            .regex(regex)
            .is_some_and(|view| view.needs_backtracking())
        {
            true => bytes.max(BACKTRACKING_SEARCH_COST_BYTES),
            false => bytes,
        }
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
    use lapwing_rules::{Settings, source::Source};

    use super::*;

    #[test]
    fn expressions_see_bytes() {
        let regex = compile(r"(?i)^get\x20[^\x80]+\xff$").unwrap();
        assert!(regex.is_match(b"GeT x\xff".as_slice()));
        assert!(!regex.is_match(b"GeT \x80\xff".as_slice()));
    }

    fn cache(rules: &str, bytes_max: usize) -> RegexCache {
        let source = Source {
            name: "test".into(),
            bytes: rules.as_bytes().to_vec(),
        };
        let compiled = lapwing_rules::compile(&[source], &Settings::default());
        assert_eq!(compiled.diagnostics, []);
        RegexCache::new(
            Arc::new(Pack::from_bytes(compiled.pack).unwrap()),
            bytes_max,
        )
    }

    #[test]
    fn backtracking_ends_at_a_limit_and_is_counted() {
        let mut cache = cache(
            r#"alert tcp any any -> any any (pcre:"/(?:a+)+(?=b)/"; sid:1;)"#,
            1 << 20,
        );
        assert_eq!(cache.find(0, b"xaab", 0), Ok(Some((1, 3))));
        assert_eq!((cache.builds, cache.limit_hits), (1, 0));
        assert_eq!(cache.find(0, &[b'a'; 4096], 0), Err(RegexUnavailable));
        assert_eq!((cache.builds, cache.limit_hits), (1, 1));
        assert!(cache.search_cost(0, b"") > 0);
    }

    #[test]
    fn expressions_of_both_engines_share_the_cap() {
        let rules: String = (1..=8)
            .map(|sid| {
                let expression = if sid % 2 == 0 { "a(?=b)" } else { "a+b" };
                format!(
                    "alert tcp any any -> any any (pcre:\"/{expression}{{{sid}}}/\"; sid:{sid};)\n"
                )
            })
            .collect();
        let mut cache = cache(&rules, 2 * BACKTRACKING_PROGRAM_BYTES);
        for regex in 0..8 {
            assert!(cache.find(regex, b"aabbbbbbbbb", 0).is_ok());
            assert!(cache.bytes <= cache.bytes_max, "{}", cache.bytes);
        }
        assert_eq!(cache.builds, 8);
        assert!(cache.evictions >= 2);
    }

    #[test]
    fn an_expression_that_grows_too_large_is_refused() {
        assert!(compile(r"(?:(?:[a-z]{1,900}){900}){900}").is_none());
    }
}
