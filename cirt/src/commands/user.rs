//! `lapwing-cirt user`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::secrets::{hash_password, readable_password};
use lapwing_cirt::settings::Name;
use lapwing_cirt::store::Role;

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user; a password is made and shown once
    Add {
        name: Name,
        /// administrator or analyst
        #[arg(long, default_value = "analyst")]
        role: Role,
    },
    /// All users
    List,
    /// Lock a user out and end their sessions
    Disable { name: String },
    /// Give a user a new password, shown once, and end their sessions
    Reset { name: String },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    match &arguments.command {
        UserCommand::Add { name, role } => {
            let password = readable_password();
            let hash = hash_password(&password).context("cannot hash the password")?;
            store.add_user(&actor(), name, *role, &hash)?;
            line(&format!(
                "{role} {name} added, password {password} (shown once)"
            ))?;
        }
        UserCommand::List => {
            let mut table = Table::new(&[
                ("name", Align::Left),
                ("role", Align::Left),
                ("state", Align::Left),
                ("last login", Align::Left),
            ]);
            for user in store.users()? {
                table.row(vec![
                    user.name,
                    user.role.to_string(),
                    if user.disabled.is_some() {
                        "disabled"
                    } else {
                        "active"
                    }
                    .to_owned(),
                    user.last_login
                        .map_or_else(|| "never".to_owned(), |time| format!("{time:.0}")),
                ]);
            }
            line(&table.render())?;
        }
        UserCommand::Disable { name } => {
            store.disable_user(&actor(), name)?;
            line(&format!("{name} disabled"))?;
        }
        UserCommand::Reset { name } => {
            let password = readable_password();
            let hash = hash_password(&password).context("cannot hash the password")?;
            store.reset_user(&actor(), name, &hash)?;
            line(&format!(
                "{name} has the new password {password} (shown once)"
            ))?;
        }
    }
    Ok(())
}
