//! `lapwing check`: PASS or FAIL on the spot, with the next thing to do.

use std::{path::PathBuf, process::ExitCode};

use lapwing_sensor::{
    check::{Language, Machine, Verdict, check, overall, render, summary},
    clock::wall_milliseconds,
    settings::Settings,
};
use qrcodegen::{QrCode, QrCodeEcc};

use super::status;
use crate::terminal;

/// Characters of the summary in the QR code: what a telephone's camera reads from a screen.
const SUMMARY_MAX_CHARACTERS: usize = 300;

/// Whose state, and for whom to say it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Language: en, fr, es or pt
    #[arg(long, default_value = "en")]
    language: Language,
    /// Show the verdicts as a QR code too, to be photographed for the centre
    #[arg(long)]
    qr: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    let ports = settings
        .capture
        .as_ref()
        .map_or(&[][..], |capture| &capture.interfaces);
    let overview = status::overview(&settings.state, Some(&settings))?;
    let machine = Machine::look(&settings.state, ports);
    let now = wall_milliseconds();
    let items = check(&overview, &machine, now);
    terminal::write(render(&items, arguments.language))?;
    if arguments.qr {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let text: String = summary(&items, host.trim(), now)
            .chars()
            .take(SUMMARY_MAX_CHARACTERS)
            .collect();
        terminal::write(qr_code(&text)?)?;
    }
    Ok(match overall(&items) {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Fail | Verdict::Unknown => ExitCode::FAILURE,
    })
}

/// Two rows of the code in each line of text, dark on light.
fn qr_code(text: &str) -> anyhow::Result<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low)?;
    let edge = 2;
    let range = -edge..code.size() + edge;
    let mut lines = String::new();
    for row in range.clone().step_by(2) {
        for column in range.clone() {
            lines.push(
                match (
                    code.get_module(column, row),
                    code.get_module(column, row + 1),
                ) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                },
            );
        }
        lines.push('\n');
    }
    Ok(lines)
}
