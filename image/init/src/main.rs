//! `lapwing-init`: as `/init` of the initial memory disk it is stage one, as `/sbin/init` of the root stage two; started by stage two
//! as `/sbin/init update FROM` it takes an update, and as `/sbin/init page ADDRESS` it shows the page, each in a process of its own.
#![forbid(unsafe_code)]

use std::{env, process::ExitCode};

use lapwing_init::{layout, stage_one, stage_two, status_page, update};

fn main() -> ExitCode {
    let mut words = env::args_os();
    if words.next().as_deref() == Some(layout::STAGE_ONE.as_ref()) {
        stage_one::run();
    }
    match (words.next(), words.next()) {
        (Some(word), Some(from)) if word == update::WORD && std::process::id() != 1 => {
            update::run(from.as_ref())
        }
        (Some(word), Some(address)) if word == status_page::WORD && std::process::id() != 1 => {
            status_page::run(&address.to_string_lossy())
        }
        _ => stage_two::run(),
    }
}
