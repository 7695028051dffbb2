//! Gives the program the time it was built: the earliest time that its clock can be right.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // Reproducible builds say what time it is.
    let given = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    println!(
        "cargo::rustc-env=LAPWING_BUILD_SECONDS={}",
        given.unwrap_or(now)
    );
}
