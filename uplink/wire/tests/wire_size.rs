//! What a finding with all fields costs on the wire, before sealing, with the dictionary and without.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::print_stderr,
    reason = "the figures are what the test is read for"
)]

mod common;

use common::{DICTIONARY, packed_bytes};

fn bytes_a_finding(count: usize, level: i32, dictionary: &[u8]) -> f64 {
    const BATCHES: u64 = 20;
    let total: usize = (0..BATCHES)
        .map(|seed| {
            packed_bytes(
                &common::plausible::findings(11 + seed, count),
                level,
                dictionary,
            )
        })
        .sum();
    total as f64 / (count as u64 * BATCHES) as f64
}

#[test]
fn findings_keep_to_their_price() {
    // Findings in a batch, most bytes at zstd 3 without a dictionary, most at zstd 19 with it.
    for (count, most_plain, most_small) in [(1000, 28.0, 25.0), (100, 37.0, 33.0), (10, 80.0, 62.0)]
    {
        let plain = bytes_a_finding(count, 3, &[]);
        let usual = bytes_a_finding(count, 3, DICTIONARY);
        let small = bytes_a_finding(count, 19, DICTIONARY);
        eprintln!(
            "batch of {count}: {plain:.1} bytes a finding at zstd 3, {usual:.1} with the dictionary, \
             {small:.1} with it at zstd 19"
        );
        assert!(plain <= most_plain && small <= most_small && usual <= plain);
    }
}
