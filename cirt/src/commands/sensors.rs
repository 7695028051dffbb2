//! `lapwing-cirt sensors`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::api::{SensorsView, key_fingerprint};
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::Store;

use super::{Data, OutputFormat, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: SensorsCommand,
}

#[derive(Subcommand)]
enum SensorsCommand {
    /// All sensors
    List {
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        output: OutputFormat,
    },
    /// One sensor, with what its device said of itself
    Show { sensor: String },
    /// Let a sensor in that waits; compare the key fingerprint with the device first
    Approve { sensor: String },
    /// Shut a sensor out, from its next request on
    Revoke { sensor: String },
    /// Say at which tenant a sensor stands; without one only the national view shows it
    Place {
        sensor: String,
        /// Name of the tenant
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    match &arguments.command {
        SensorsCommand::List { output } => list(&store, *output),
        SensorsCommand::Show { sensor } => show(&store, sensor),
        SensorsCommand::Approve { sensor } => {
            let known = store.sensor(Scope::Nation, sensor)?;
            store.approve_sensor(&actor(), sensor)?;
            Ok(line(&format!(
                "{} approved, key fingerprint {}",
                known.name,
                key_fingerprint(&known.public_key)
            ))?)
        }
        SensorsCommand::Revoke { sensor } => {
            store.revoke_sensor(&actor(), sensor)?;
            Ok(line(&format!("{sensor} revoked"))?)
        }
        SensorsCommand::Place { sensor, tenant } => {
            store.place_sensor(&actor(), sensor, tenant.as_deref())?;
            let place = tenant.as_deref().unwrap_or("no tenant");
            Ok(line(&format!("{sensor} stands at {place}"))?)
        }
    }
}

fn list(store: &Store, output: OutputFormat) -> anyhow::Result<()> {
    let sensors = store.sensors(Scope::Nation)?;
    let view = SensorsView::of(&sensors, &store.sensor_totals(Scope::Nation)?);
    if output == OutputFormat::Json {
        return Ok(line(
            &serde_json::to_string_pretty(&view).context("cannot write JSON")?,
        )?);
    }
    let mut table = Table::new(&[
        ("sensor", Align::Left),
        ("state", Align::Left),
        ("key fingerprint", Align::Left),
        ("last contact", Align::Left),
        ("findings", Align::Right),
        ("identity", Align::Left),
    ]);
    for sensor in view.sensors {
        let findings = sensor.totals.map_or(0, |totals| totals.findings);
        let contact = sensor.last_contact.unwrap_or_else(|| "never".to_owned());
        table.row(vec![
            sensor.name,
            sensor.state.to_owned(),
            sensor.key_fingerprint,
            contact,
            findings.to_string(),
            sensor.identity,
        ]);
    }
    if output == OutputFormat::Csv {
        Ok(lapwing_cirt::output::raw(&table.to_csv()?)?)
    } else {
        Ok(line(&table.render())?)
    }
}

fn show(store: &Store, name: &str) -> anyhow::Result<()> {
    let sensor = store.sensor(Scope::Nation, name)?;
    let moment = |time: Option<Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"))
    };
    let mut lines = vec![
        ("name".to_owned(), sensor.name.clone()),
        ("identity".to_owned(), sensor.identity.clone()),
        ("state".to_owned(), sensor.state.as_str().to_owned()),
        (
            "tenant".to_owned(),
            sensor.tenant.clone().unwrap_or_default(),
        ),
        (
            "key fingerprint".to_owned(),
            key_fingerprint(&sensor.public_key),
        ),
        ("asked".to_owned(), moment(Some(sensor.requested))),
        ("decided".to_owned(), moment(sensor.decided)),
        (
            "decided by".to_owned(),
            sensor.decided_by.clone().unwrap_or_default(),
        ),
        ("last contact".to_owned(), moment(sensor.last_contact)),
        (
            "last address".to_owned(),
            sensor.last_address.clone().unwrap_or_default(),
        ),
        (
            "certificate until".to_owned(),
            moment(sensor.certificate_expires),
        ),
    ];
    let machine = sensor
        .machine
        .lines()
        .filter_map(|line| line.split_once('='));
    lines.extend(machine.map(|(name, value)| {
        (
            format!("device: {}", name.replace('_', " ")),
            value.to_owned(),
        )
    }));
    let mut table = Table::new(&[("what", Align::Left), ("value", Align::Left)]);
    for (name, value) in lines {
        table.row(vec![name, value]);
    }
    Ok(line(&table.render())?)
}
