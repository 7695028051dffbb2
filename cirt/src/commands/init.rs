//! `lapwing-cirt init`: one folder with everything a centre needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use lapwing_cirt::enrolment::{CertificateAuthority, create_sealing_key};
use lapwing_cirt::limits::RENEW_EXPIRED_DAYS;
use lapwing_cirt::output::line;
use lapwing_cirt::people::Role;
use lapwing_cirt::secrets::{hash_password, readable_password};
use lapwing_cirt::settings::{Name, Settings};
use lapwing_cirt::store::{Location, Server, Store};

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Where sensors connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:7400")]
    listen: SocketAddr,
    /// Where people connect
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7443")]
    web_listen: SocketAddr,
    /// What vouchers tell sensors to connect to, when it differs from --listen
    #[arg(long, value_name = "HOST:PORT")]
    public_address: Option<String>,
    /// What the centre calls itself
    #[arg(long, default_value = "cirt")]
    name: Name,
    /// A PostgreSQL server for the database, for a centre of several machines: postgresql://USER@HOST/DATABASE; else a file
    #[arg(long, value_name = "ADDRESS")]
    store: Option<Server>,
    /// Certificates, PEM, of who vouches for that server, when no public authority does
    #[arg(long, value_name = "FILE", requires = "store")]
    store_authority: Option<PathBuf>,
    /// Where the table of findings lies, when not beside the database: s3://BUCKET/PREFIX, or a folder all machines reach
    #[arg(long, value_name = "PLACE")]
    findings: Option<String>,
    /// Name of the first administrator
    #[arg(long, default_value = "admin")]
    admin: Name,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.data.folder();
    let shown = folder.root().display();
    if folder.is_initialised() {
        bail!("{shown} already holds a centre; nothing was changed");
    }
    if !folder
        .is_vacant()
        .with_context(|| format!("cannot look into {shown}"))?
    {
        bail!("{shown} is not empty; name a folder that is empty or does not exist");
    }
    folder
        .create()
        .with_context(|| format!("cannot make {shown}"))?;
    let authority = CertificateAuthority::create(&folder, arguments.name.as_str())?;
    create_sealing_key(&folder)?;
    let settings = Settings {
        name: arguments.name.clone(),
        listen: arguments.listen,
        web_listen: arguments.web_listen,
        public_address: arguments.public_address.clone(),
        renew_expired_days: RENEW_EXPIRED_DAYS,
        findings: arguments.findings.clone(),
        keep_findings_days: None,
        store: arguments
            .store
            .clone()
            .map(|server| server.vouched_for_by(arguments.store_authority.clone())),
    };
    let store = match settings.database(&folder) {
        Location::File(path) => Store::create(&path)?,
        Location::Server(server) => {
            let store = Store::of(&folder, &settings)?;
            if !store.users()?.is_empty() {
                bail!(
                    "{server} holds a centre already; another process of it gets a copy of its data folder instead"
                );
            }
            store
        }
    };
    let password = readable_password();
    let hash = hash_password(&password).context("cannot hash the password")?;
    store.add_user(&actor(), &arguments.admin, Role::Administrator, None, &hash)?;
    // Last: where the settings are, the centre is complete.
    settings.save(&folder)?;

    line(&format!("centre {} is ready in {shown}", arguments.name))?;
    line(&format!(
        "root certificate SHA-256  {}",
        hex::encode(authority.root_fingerprint())
    ))?;
    line(&format!("administrator             {}", arguments.admin))?;
    line(&format!(
        "password                  {password}   (shown once; only its hash is kept)"
    ))?;
    line(&format!("next: lapwing-cirt serve --data {shown}"))?;
    Ok(())
}
