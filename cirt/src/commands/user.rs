//! `lapwing-cirt user`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::people::{PermissionSet, Role};
use lapwing_cirt::query::Scope;
use lapwing_cirt::secrets::{api_token, hash_password, readable_password, token_hash};
use lapwing_cirt::settings::Name;

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
        /// viewer, analyst, rule-editor, fleet, administrator or isp-contact
        #[arg(long, default_value = "analyst")]
        role: Role,
        /// Sees only this tenant
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// All users
    List,
    /// Lock a user out and end their sessions
    Disable { name: String },
    /// Give a user a new password, shown once, take the second factor away, and end their sessions
    Reset { name: String },
    /// Make a token for a program that acts for a user; it is shown once
    Token {
        name: String,
        /// What it may do, of what the user may do
        #[arg(long, value_name = "LIST", default_value = "findings:read")]
        scopes: PermissionSet,
        /// What it is for
        #[arg(long, default_value = "command line")]
        label: String,
        /// How long it is good for
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    match &arguments.command {
        UserCommand::Add { name, role, tenant } => {
            let password = readable_password();
            let hash = hash_password(&password).context("cannot hash the password")?;
            store.add_user(&actor(), name, *role, tenant.as_deref(), &hash)?;
            line(&format!(
                "{role} {name} added, password {password} (shown once)"
            ))?;
        }
        UserCommand::List => {
            let mut table = Table::new(&[
                ("name", Align::Left),
                ("role", Align::Left),
                ("tenant", Align::Left),
                ("second factor", Align::Left),
                ("state", Align::Left),
                ("last login", Align::Left),
            ]);
            let tenants = store.tenants(Scope::Nation)?;
            for user in store.users()? {
                let tenant = tenants
                    .iter()
                    .find(|tenant| Some(tenant.key) == user.tenant);
                table.row(vec![
                    user.name,
                    user.role.to_string(),
                    tenant.map_or_else(|| "-".to_owned(), |tenant| tenant.name.clone()),
                    if user.totp_secret.is_some() {
                        "yes"
                    } else {
                        "no"
                    }
                    .to_owned(),
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
        UserCommand::Token {
            name,
            scopes,
            label,
            days,
        } => {
            let user = store
                .user(name)?
                .with_context(|| format!("there is no user {name:?}"))?;
            let token = api_token();
            store.add_token(
                user.key,
                &actor(),
                label,
                &token_hash(&token),
                scopes.and(user.role.permissions()),
                *days,
            )?;
            line(&format!("{token}   (shown once; for {days} days)"))?;
        }
    }
    Ok(())
}
