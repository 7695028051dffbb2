//! Any frames through the whole engine, from the link layer to alerts, under every rule of the committed cases.
#![no_main]

#[path = "../harness.rs"]
mod harness;

use std::{cell::RefCell, path::Path};

thread_local! {
    static ENGINE: RefCell<harness::Engine> = RefCell::new(harness::Engine::with_rules_of_cases(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases"),
    ));
}

libfuzzer_sys::fuzz_target!(|frames: &[u8]| {
    ENGINE.with_borrow_mut(|engine| engine.run(frames));
});
