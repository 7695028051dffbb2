//! Any bytes as a pack; what opens is walked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lapwing_rules::pack::fuzz_entry(bytes));
