//! `lapwing ledger`: what left this site, for the ISP to read and to check.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use lapwing_sensor::{
    output::{record_json, record_table},
    settings::Settings,
    whole_file,
};
use lapwing_uplink::ledger::{Entry, Ledger, LedgerKey, Line, Lines, verify};
use lapwing_wire::{BatchDigest, ContentKey, ReceivedEnvelope, limits::MAX_ENVELOPE_BYTES};

use crate::terminal;

/// Bytes of a key file.
const MAX_KEY_BYTES: usize = 1024;

/// What to do with the ledger.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the ISP's ledger key: the private half stays with the ISP, the public half goes to the sensor
    NewKey {
        /// File for the private key; the public key is written beside it, with the ending .pub
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the lines for a person
    Show {
        #[command(flatten)]
        place: Place,
        /// Only so many of the newest lines
        #[arg(long, value_name = "NUMBER")]
        last: Option<usize>,
    },
    /// Print the lines for a program
    Export {
        #[command(flatten)]
        place: Place,
        /// How
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Check every line, what waits in the outbox, and the kept envelopes
    Verify {
        #[command(flatten)]
        place: Place,
        /// Hash of a line that you noted before: it must still be there
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Decrypt an envelope and print the records in it, exactly what was sent
    Open {
        #[command(flatten)]
        place: Place,
        /// The ISP's private ledger key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Print JSON, one record a line
        #[arg(long)]
        json: bool,
        /// Number of a line that names the envelope, sealed or sent
        line: u64,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// JSON, one line each
    Json,
    /// CSV of the envelopes that left
    Csv,
}

/// Where the ledger is.
#[derive(clap::Args)]
struct Place {
    /// Settings of the sensor
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "ledger",
        conflicts_with = "ledger"
    )]
    config: Option<PathBuf>,
    /// Folder of the ledger, where the settings are not at hand
    #[arg(long, value_name = "FOLDER")]
    ledger: Option<PathBuf>,
}

impl Place {
    /// The ledger's folder, and the outbox's where the settings say it.
    fn folders(&self) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
        match (&self.ledger, &self.config) {
            (Some(ledger), _) => Ok((ledger.clone(), None)),
            (None, Some(config)) => {
                let settings = Settings::read(config)?;
                Ok((settings.ledger_folder(), Some(settings.outbox_folder())))
            }
            (None, None) => {
                bail!("name the settings with --config FILE or the folder with --ledger FOLDER")
            }
        }
    }

    fn lines(&self) -> anyhow::Result<(PathBuf, Vec<Line>)> {
        let (folder, _) = self.folders()?;
        let lines = Lines::read(&folder)
            .context("the ledger cannot be read; `lapwing ledger verify` says what is wrong")?;
        Ok((folder, lines.lines))
    }
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::NewKey { out } => new_key(&out)?,
        Action::Show { place, last } => {
            let (_, lines) = place.lines()?;
            let skipped = last.map_or(0, |last| lines.len().saturating_sub(last));
            let text: String = lines.iter().skip(skipped).map(said).collect();
            terminal::write(text)?;
        }
        Action::Export { place, format } => terminal::write(export(&place.lines()?.1, format)?)?,
        Action::Verify { place, head } => return check(&place, head.as_deref()),
        Action::Open {
            place,
            key,
            json,
            line,
        } => open(&place, &key, json, line)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn new_key(out: &Path) -> anyhow::Result<()> {
    let key = LedgerKey::generate();
    let (private, public) = key.to_texts().context("the key cannot be made")?;
    let public_path = out.with_extension("pub");
    for (path, text, mode) in [
        (out, private, 0o600),
        (public_path.as_path(), public, 0o644),
    ] {
        whole_file::create(path, text.as_bytes(), mode)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal::write(format_args!(
        "private key {}: keep it away from the sensor and the centre\npublic key  {}: name it in sensor.toml as policy.ledger_key\n",
        out.display(),
        public_path.display()
    ))
}

fn said(line: &Line) -> String {
    let what = match &line.entry {
        Entry::Sealed {
            batch,
            bytes,
            records,
            key,
            ..
        } => {
            let counts = records
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"));
            let key = if key.is_some() {
                ""
            } else {
                ", cannot be opened: no ledger key"
            };
            format!(
                "sealed     batch {batch}: {} in {bytes} bytes{key}",
                counts.collect::<Vec<_>>().join(", ")
            )
        }
        Entry::Connected {
            connection,
            from,
            to,
        } => {
            format!("connected  {connection} from {from} to {to}")
        }
        Entry::Sent {
            batch, bytes, way, ..
        } => format!("SENT       batch {batch}: {bytes} bytes, {way:?}"),
        Entry::Closed {
            connection,
            sent,
            received,
            envelopes,
            other,
            tls,
            proxy,
        } => format!(
            "closed     {connection}: {sent} bytes sent = {envelopes} of envelopes + {other} of other messages + {tls} of TLS + {proxy} to a proxy; {received} received"
        ),
        Entry::Cut { connection } => format!("cut        {connection}: its end was not seen"),
    };
    format!("{:>6} {} {what}\n", line.line, time(line.time))
}

fn export(lines: &[Line], format: Format) -> anyhow::Result<String> {
    let mut text = String::new();
    match format {
        Format::Json => {
            for line in lines {
                text.push_str(&serde_json::to_string(line)?);
                text.push('\n');
            }
        }
        Format::Csv => {
            text.push_str("line,time,epoch,batch,digest,bytes,way,connection\n");
            for line in lines {
                if let Entry::Sent {
                    epoch,
                    batch,
                    digest,
                    bytes,
                    way,
                    connection,
                } = &line.entry
                {
                    let connection = connection
                        .map(|number| number.to_string())
                        .unwrap_or_default();
                    text.push_str(&format!(
                        "{},{},{epoch},{batch},{digest},{bytes},{},{connection}\n",
                        line.line,
                        time(line.time),
                        format!("{way:?}").to_lowercase()
                    ));
                }
            }
        }
    }
    Ok(text)
}

fn check(place: &Place, head: Option<&str>) -> anyhow::Result<ExitCode> {
    let (folder, outbox) = place.folders()?;
    let mut report = verify(&folder, outbox.as_deref())?;
    if let Some(head) = head
        && !lapwing_uplink::ledger::has_hash(&folder, head)?
    {
        report.problems.push(lapwing_uplink::ledger::Problem::Chain(
            "the line that you noted is no longer there".to_owned(),
        ));
    }
    let mut text = match report.lines {
        None => "no lines: nothing left\n".to_owned(),
        Some((first, last)) => format!(
            "lines {first} to {last}: {} envelopes left with {} bytes; {} connections with {} bytes of TCP payload, {} cut off\nlast hash  {}\n",
            report.envelopes_sent,
            report.envelope_bytes,
            report.connections,
            report.sent_bytes,
            report.cut,
            report.hash
        ),
    };
    for problem in &report.problems {
        text.push_str(&format!("WRONG: {problem}\n"));
    }
    if report.problems.is_empty() {
        text.push_str("GOOD\n");
    }
    terminal::write(text)?;
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn open(place: &Place, key: &Path, json: bool, number: u64) -> anyhow::Result<()> {
    let (folder, lines) = place.lines()?;
    let named = lines.iter().find(|line| line.line == number);
    let Some((epoch, batch, digest)) = named.and_then(|line| envelope_of(&line.entry)) else {
        bail!("line {number} of the ledger names no envelope");
    };
    let wrapped = lines.iter().find_map(|line| match &line.entry {
        Entry::Sealed {
            digest: its, key, ..
        } if *its == digest => key.as_deref(),
        _ => None,
    });
    let wrapped =
        wrapped.context("this envelope was sealed without a ledger key and cannot be opened")?;
    let wrapped = hex::decode(wrapped).context("the wrapped key is not hex")?;
    let text = whole_file::read(key, MAX_KEY_BYTES)
        .with_context(|| format!("cannot read {}", key.display()))?;
    let key = LedgerKey::parse(&String::from_utf8_lossy(&text))
        .with_context(|| format!("{} is no private ledger key", key.display()))?;
    let path = Ledger::kept_path(&folder, &epoch, batch);
    let bytes = match fs::metadata(&path) {
        Ok(_) => whole_file::read(&path, MAX_ENVELOPE_BYTES)
            .with_context(|| format!("cannot read {}", path.display()))?,
        Err(_) => {
            bail!("the bytes of this envelope are not kept: it did not leave yet, or was too old")
        }
    };
    if BatchDigest::of(&bytes).to_string() != digest {
        bail!(
            "{} is not the envelope that the ledger names",
            path.display()
        );
    }
    let envelope = ReceivedEnvelope::parse(bytes)?;
    let (content_key, centre) = ContentKey::unwrap(&wrapped, key.private_key(), envelope.digest())
        .context("the ledger key does not open it")?;
    let batch = envelope.open_with_content_key(&content_key, &centre)?;
    if json {
        let lines = batch
            .records
            .iter()
            .map(|record| format!("{}\n", record_json(record)));
        terminal::write(lines.collect::<String>())
    } else {
        terminal::write(record_table(&batch.records))
    }
}

/// Epoch, batch and digest of the envelope that a line names.
fn envelope_of(entry: &Entry) -> Option<(String, u64, String)> {
    match entry {
        Entry::Sealed {
            epoch,
            batch,
            digest,
            ..
        }
        | Entry::Sent {
            epoch,
            batch,
            digest,
            ..
        } => Some((epoch.clone(), *batch, digest.clone())),
        _ => None,
    }
}

fn time(milliseconds: u64) -> String {
    let millisecond = i64::try_from(milliseconds).ok();
    let time = millisecond.and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok());
    time.map_or_else(|| milliseconds.to_string(), |time| time.to_string())
}
