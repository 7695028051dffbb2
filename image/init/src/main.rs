//! `lapwing-init`: as `/init` of the initial memory disk it is stage one, as `/sbin/init` of the root stage two.
#![forbid(unsafe_code)]

use std::env;

fn main() {
    if env::args_os().next().as_deref() == Some(lapwing_init::layout::STAGE_ONE.as_ref()) {
        lapwing_init::stage_one::run();
    } else {
        lapwing_init::stage_two::run();
    }
}
