//! `lapwing-cirt sensors`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::api::{BooksView, SensorsView, key_fingerprint};
use lapwing_cirt::control::{Control, Less};
use lapwing_cirt::enrolment::CertificateAuthority;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::Store;
use lapwing_wire::SensorId;
use lapwing_wire::words::comparison_words;

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
    /// One sensor: what its device said of itself, and what became of every record it made
    Show {
        sensor: String,
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        output: OutputFormat,
    },
    /// Ask a sensor to send less, from its next contact on; it cannot be asked for more than its site lets out
    Less {
        sensor: String,
        /// Highest rung of detail wanted: 0 digests, 1 findings, 2 findings with their facts
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
        rung: u8,
        /// Lightest lane of findings wanted: critical, normal or low
        #[arg(long, default_value = "low")]
        lightest: String,
        /// For so many hours; without it until it is ended
        #[arg(long, value_name = "N")]
        hours: Option<u32>,
        /// End an earlier request
        #[arg(long, conflicts_with_all = ["rung", "lightest", "hours"])]
        end: bool,
    },
    /// Let a sensor in that waits; compare the four words with the device first
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
    let (folder, _, store) = arguments.data.open()?;
    let root = CertificateAuthority::load(&folder)?.root_fingerprint();
    match &arguments.command {
        SensorsCommand::List { output } => list(&store, *output),
        SensorsCommand::Show { sensor, output } => show(&store, &root, sensor, *output),
        SensorsCommand::Less {
            sensor,
            rung,
            lightest,
            hours,
            end,
        } => {
            let known = store.sensor(Scope::Nation, sensor)?;
            let now = u64::try_from(Timestamp::now().as_millisecond())?;
            let control = Control {
                made_milliseconds: now,
                less: (!end).then(|| Less {
                    rung_max: *rung,
                    lightest: lightest.clone(),
                    until_milliseconds: hours.map_or(0, |hours| now + u64::from(hours) * 3_600_000),
                }),
            };
            control.store(&folder, known.identity.parse::<SensorId>()?)?;
            store.record_audit(&actor(), "sensor.less", &known.name)?;
            Ok(line(&format!(
                "{} is asked with its next contact",
                known.name
            ))?)
        }
        SensorsCommand::Approve { sensor } => {
            let known = store.sensor(Scope::Nation, sensor)?;
            store.approve_sensor(&actor(), sensor)?;
            Ok(line(&format!(
                "{} approved, key fingerprint {}, words {}",
                known.name,
                key_fingerprint(&known.public_key),
                comparison_words(&root, &known.public_key)
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

fn show(store: &Store, root: &[u8; 32], name: &str, output: OutputFormat) -> anyhow::Result<()> {
    let sensor = store.sensor(Scope::Nation, name)?;
    let books = store.books_of(sensor.key)?;
    if output != OutputFormat::Table {
        let view = BooksView::of(&books);
        match output {
            OutputFormat::Csv => lapwing_cirt::output::raw(&lanes_table(&view).to_csv()?)?,
            _ => line(&serde_json::to_string_pretty(&view).context("cannot write JSON")?)?,
        }
        return Ok(());
    }
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
        (
            "comparison words".to_owned(),
            comparison_words(root, &sensor.public_key),
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
    line(&table.render())?;
    line("")?;
    show_books(&BooksView::of(&books))
}

/// Every record in exactly one column.
fn show_books(view: &BooksView) -> anyhow::Result<()> {
    line(
        "records by the numbers they got, and findings that the policy kept back before they got one",
    )?;
    line(&lanes_table(view).render())?;
    line(&format!(
        "{} produced = {} stored + {} suppressed by policy + {} held by budget + {} evicted + {} in flight + {} gone",
        view.produced,
        view.stored,
        view.suppressed,
        view.held,
        view.evicted,
        view.in_flight,
        view.gone
    ))?;
    for dropped in &view.dropped {
        line(&format!(
            "dropped at the sensor ({}): {} records, {} findings",
            dropped.reason, dropped.records, dropped.findings
        ))?;
    }
    for (count, meaning) in [
        (
            view.batches_withdrawn,
            "sealed batches were removed at the sensor because they waited too long for its policy",
        ),
        (
            view.batches_missing,
            "batches before the newest are on their way",
        ),
        (
            view.gone,
            "records were acknowledged by this centre and are not here: it was restored from an older backup",
        ),
        (
            view.doubled,
            "records are stored twice: this is a defect of this program",
        ),
        (
            view.repeated,
            "records came again in another batch and were not counted again",
        ),
        (
            view.facts_held_back,
            "facts stayed at the sensor because the budget did not let them go",
        ),
        (
            view.batches_conflicting,
            "batches are in conflict with stored ones: the device was cloned or tampered with",
        ),
        (view.batches_unreadable, "batches could not be read"),
    ] {
        if count > 0 {
            line(&format!("{count} {meaning}"))?;
        }
    }
    Ok(())
}

fn lanes_table(view: &BooksView) -> Table {
    let mut table = Table::new(&[
        ("outbox", Align::Left),
        ("lane", Align::Left),
        ("produced", Align::Right),
        ("stored", Align::Right),
        ("held", Align::Right),
        ("evicted", Align::Right),
        ("in flight", Align::Right),
        ("gone", Align::Right),
    ]);
    for lane in &view.lanes {
        let mut row = vec![lane.epoch.clone(), lane.lane.to_owned()];
        let counts = [
            lane.produced,
            lane.stored,
            lane.held,
            lane.evicted,
            lane.in_flight,
            lane.gone,
        ];
        row.extend(counts.map(|count| count.to_string()));
        table.row(row);
    }
    table
}
