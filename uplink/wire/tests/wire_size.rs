//! What a finding with all fields costs on the wire, before sealing, without a dictionary.
#![allow(clippy::unwrap_used)]
#![allow(
    clippy::print_stderr,
    reason = "the figures are what the test is read for"
)]

mod common;

use common::packed_bytes;

fn bytes_a_finding(count: usize, level: i32) -> f64 {
    let seeds = [11, 12, 13, 14, 15];
    let total: usize = seeds
        .iter()
        .map(|seed| packed_bytes(&common::plausible::findings(*seed, count), level))
        .sum();
    total as f64 / (count * seeds.len()) as f64
}

#[test]
fn findings_keep_to_the_goal_at_zstd_3() {
    for (count, most) in [(1000, 28.0), (100, 37.0), (10, 80.0)] {
        let (fast, small) = (bytes_a_finding(count, 3), bytes_a_finding(count, 19));
        eprintln!("batch of {count}: {fast:.1} bytes a finding at zstd-3, {small:.1} at zstd-19");
        assert!(
            fast <= most,
            "{fast:.1} bytes a finding in batches of {count}, at most {most}"
        );
    }
}
