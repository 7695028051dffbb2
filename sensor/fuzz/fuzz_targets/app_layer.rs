//! Any bytes, in any cuts and any order of directions, through each parser of an application protocol.
//!
//! The first byte of an input names the parser. `LAPWING_FUZZ_PARSER=dns-udp` gives all the time to one;
//! `LAPWING_FUZZ_PARSER=list` names them.
#![no_main]

use std::{process, sync::LazyLock};

use lapwing_sensor::app_layer::fuzz::{fuzz_entry, parser_names};

static ONLY: LazyLock<Option<u8>> = LazyLock::new(|| {
    let wanted = std::env::var("LAPWING_FUZZ_PARSER").ok()?;
    let place = parser_names().iter().position(|name| *name == wanted);
    if place.is_none() {
        println!("{}", parser_names().join("\n"));
        process::exit(i32::from(wanted != "list"));
    }
    place.and_then(|place| u8::try_from(place).ok())
});

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    match (*ONLY, script.split_first()) {
        (Some(parser), Some((_, pieces))) => fuzz_entry(&[&[parser], pieces].concat()),
        _ => fuzz_entry(script),
    }
});
