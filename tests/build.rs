//! Tells the tests which optimisation level and compiler they, and the programs beside them, were built with.

use std::{env, process::Command};

fn main() {
    let optimisation = env::var("OPT_LEVEL").unwrap_or_default();
    let compiler = Command::new(env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()))
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    println!("cargo::rustc-env=LAPWING_OPT_LEVEL={optimisation}");
    println!("cargo::rustc-env=LAPWING_COMPILER={compiler}");
    println!("cargo::rerun-if-changed=build.rs");
}
