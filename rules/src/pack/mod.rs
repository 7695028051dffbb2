//! Packs: compiled rules in one file that a sensor only maps.
//!
//! [`mod@format`] describes the file byte by byte, [`PackWriter`] writes it, [`Pack`] opens it. Opening checks every offset, count
//! and reference once; after that views decode from the mapped bytes on the fly and cannot fail. Every error is one line.

mod address_index;
mod assembly;
mod byte_rarity;
mod bytes;
mod canonical;
mod check;
mod error;
mod filter;
mod filter_builder;
pub mod format;
mod indicators;
mod lists;
mod mapped_file;
mod prefilter;
mod program;
mod reader;
mod rule_view;
mod sets;
mod strings;
mod writer;

pub(crate) use byte_rarity::rarity;
pub use canonical::{
    CANONICAL_HEADER_BYTES, CANONICAL_MAGIC, CanonicalError, CanonicalPack, DELTA_HEADER_BYTES,
    DELTA_MAGIC, RecordKind, SHARED_SET_RANGES, apply_delta, derive, make_delta,
};
pub(crate) use canonical::{CanonicalWriter, Trigger};
pub use error::PackError;
pub use filter::{
    BITS_PER_GRAM, GRAM_HASH_FACTOR, GramBitmap, GramSearch, PortableSearch, SeenPatterns,
    WORD_BITS_LOG2, gram_at, place_of_gram,
};
pub use indicators::{IndicatorView, Indicators};
pub use lists::ListView;
pub use prefilter::{GroupPlace, PrefilterGroup, PrefilterScope, TransportClass};
pub use program::Items;
pub use reader::{Pack, RegexView, UnsupportedRule};
pub use rule_view::{Pairs, RuleView};
pub use sets::{AddressSetView, PortSetView};
pub use writer::{GroupToWrite, ListToWrite, PackWriter, RuleToWrite};

use crate::model::ListId;

use crate::indicator::IndicatorKind;

/// The body of the fuzz target: opens bytes as a pack and, if they are one, walks everything in it.
#[doc(hidden)]
pub fn fuzz_entry(bytes: &[u8]) {
    if let Ok(pack) = Pack::from_bytes(bytes.to_vec()) {
        let visited = walk(&pack);
        assert!(
            visited >= pack.rule_count() as usize,
            "a rule could not be seen"
        );
    }
}

/// Visits every view of a pack; gives how many items it saw.
fn walk(pack: &Pack) -> usize {
    let mut visited = 0;
    for rule in pack.rules() {
        visited += 1
            + rule.packet_conditions().count()
            + rule.inspections().count()
            + rule.effects().count()
            + rule.references().count()
            + rule.metadata().count()
            + rule.message().len();
    }
    for group in pack.prefilter_groups() {
        visited += group.always().count() + group.patterns().count();
        visited += (0..group.pattern_count())
            .map(|pattern| group.rules_of(pattern).count())
            .sum::<usize>();
        let mut seen = SeenPatterns::new(group.pattern_count());
        for pattern in group.patterns() {
            let mut is_found = false;
            group.scan(pattern, &mut seen, &PortableSearch, |found| {
                is_found |= group.patterns().nth(found) == Some(pattern);
            });
            assert!(is_found, "a pattern is not found in itself");
        }
    }
    for set in pack.rules().map(|rule| rule.header().source) {
        let first = pack.address_set(set).ipv4_ranges().next();
        let address = std::net::Ipv4Addr::from(first.unwrap_or_default().0).into();
        pack.rules_of_addresses(address, address, |_| visited += 1);
    }
    for list in (0..pack.list_count()).filter_map(|id| pack.list(ListId(id))) {
        visited += usize::from(list.value(&[0; 16]).is_some());
        visited += list.len() + list.name().len();
    }
    let indicators = pack.indicators();
    let looked_up = |one: IndicatorView| match one.kind {
        IndicatorKind::Address => {
            let address = std::net::Ipv6Addr::from(one.key).to_canonical();
            indicators.find_address(address)
        }
        kind => indicators.find(kind, one.key),
    };
    for one in indicators.iter() {
        assert!(
            looked_up(one).is_some_and(|found| found.prefix_bits >= one.prefix_bits),
            "an indicator is not found"
        );
        assert!(indicators.rule_of(one.list).is_some(), "a list has no rule");
        visited += 1;
    }
    visited + pack.unsupported().count() + indicators.lists().count()
}
