//! `lapwing-cirt tenant`.

use clap::{Args, Subcommand};
use ipnet::IpNet;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::Scope;
use lapwing_cirt::settings::Name;
use lapwing_cirt::store::TenantKind;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Subcommand)]
enum TenantCommand {
    /// Add a provider or a sector whose people see only their own sensors
    Add {
        name: Name,
        /// provider or sector
        #[arg(long, default_value = "provider")]
        kind: TenantKind,
        /// What pages and reports call it
        #[arg(long)]
        title: Option<String>,
    },
    /// All tenants, and the networks of critical infrastructure
    List,
    /// Name a network of critical infrastructure: findings that touch it come first
    Critical {
        network: IpNet,
        /// What it is
        title: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    match &arguments.command {
        TenantCommand::Add { name, kind, title } => {
            let title = title.as_deref().unwrap_or(name.as_str());
            store.add_tenant(&actor(), name, *kind, title)?;
            line(&format!(
                "{kind} {name} added; next: lapwing-cirt sensors place SENSOR --tenant {name}"
            ))?;
        }
        TenantCommand::List => {
            let mut table = Table::new(&[
                ("name", Align::Left),
                ("kind", Align::Left),
                ("title", Align::Left),
                ("sensors", Align::Right),
            ]);
            for tenant in store.tenants(Scope::Nation)? {
                table.row(vec![
                    tenant.name,
                    tenant.kind.to_string(),
                    tenant.title,
                    tenant.sensors.to_string(),
                ]);
            }
            line(&table.render())?;
            for (first, last, title) in store.networks()? {
                line(&format!("critical  {first} - {last}  {title}"))?;
            }
        }
        TenantCommand::Critical { network, title } => {
            store.add_network(&actor(), *network, title)?;
            line(&format!(
                "{network} is critical from now on; `lapwing-cirt rebuild` looks through what is stored"
            ))?;
        }
    }
    Ok(())
}
