//! Any bytes as a rule file, with a `threshold.config` behind a zero byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lapwing_rules::fuzz_entry(bytes));
