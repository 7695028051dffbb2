//! `lapwing-cirt sql` and `lapwing-cirt who`: questions that the pages do not ask.

use std::net::IpAddr;

use anyhow::Context as _;
use clap::Args;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::Sighting;

use super::{Data, OutputFormat};

#[derive(Args)]
pub(crate) struct SqlArguments {
    #[command(flatten)]
    data: Data,
    /// One SELECT over finding, day_total, hour_total, sighting, sensor and rule
    sql: String,
    /// As this tenant would be answered
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    output: OutputFormat,
}

#[derive(Args)]
pub(crate) struct WhoArguments {
    #[command(flatten)]
    data: Data,
    /// An IP address or a host name
    what: String,
}

pub(crate) fn sql(arguments: &SqlArguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    let scope = match &arguments.tenant {
        None => Scope::Nation,
        Some(name) => {
            let tenants = store.tenants(Scope::Nation)?;
            let tenant = tenants.iter().find(|tenant| tenant.name == *name);
            Scope::Tenant(
                tenant
                    .with_context(|| format!("there is no tenant {name:?}"))?
                    .key,
            )
        }
    };
    let answer = store.ask_sql(scope, &arguments.sql)?;
    if arguments.output == OutputFormat::Json {
        let text = serde_json::to_string_pretty(&answer).context("cannot write JSON")?;
        return Ok(line(&text)?);
    }
    let mut table = Table::with_titles(
        answer
            .columns
            .iter()
            .map(|title| (title.clone(), Align::Left)),
    );
    for row in answer.rows {
        table.row(row.into_iter().map(Option::unwrap_or_default).collect());
    }
    if arguments.output == OutputFormat::Csv {
        return Ok(lapwing_cirt::output::raw(&table.to_csv()?)?);
    }
    line(&table.render())?;
    if answer.is_cut {
        line("and there are more rows: add LIMIT, or sum up")?;
    }
    Ok(())
}

pub(crate) fn who(arguments: &WhoArguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    let sightings = match arguments.what.parse::<IpAddr>() {
        Ok(address) => store.who_saw_address(Scope::Nation, address)?,
        Err(_) => store.who_saw_host(Scope::Nation, &arguments.what)?,
    };
    let count = sightings.len();
    line(&sightings_table(sightings).render())?;
    Ok(line(&format!("{count} sensors saw {}", arguments.what))?)
}

/// Which sensors saw something, how much of it, and when.
pub(super) fn sightings_table(sightings: Vec<Sighting>) -> Table {
    let mut table = Table::new(&[
        ("sensor", Align::Left),
        ("tenant", Align::Left),
        ("findings", Align::Right),
        ("alerts", Align::Right),
        ("first", Align::Left),
        ("last", Align::Left),
    ]);
    for sighting in sightings {
        table.row(vec![
            sighting.sensor,
            sighting.tenant.unwrap_or_else(|| "-".to_owned()),
            sighting.findings.to_string(),
            sighting.hits.to_string(),
            format!("{:.0}", sighting.first),
            format!("{:.0}", sighting.last),
        ]);
    }
    table
}
