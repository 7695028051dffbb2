//! `lapwing-cirt serve`: runs until it is told to stop.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use lapwing_cirt::centre::{Centre, Role};
use lapwing_cirt::output::line;
use lapwing_cirt::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::Data;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Where sensors connect, instead of what the settings say; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where people connect, instead of what the settings say
    #[arg(long, value_name = "ADDRESS:PORT")]
    web_listen: Option<SocketAddr>,
    /// What this process does: everything, or take batches only, beside others over one database on a server
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    /// Write the chosen addresses here as JSON, once both are open
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("LAPWING_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.data.folder();
    let mut settings = Settings::load(&folder)?;
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.web_listen = arguments.web_listen.unwrap_or(settings.web_listen);
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for signals")?;

    let centre = Centre::open_as(arguments.role, &folder, &settings).await?;
    centre.write_addresses(&folder.addresses())?;
    if let Some(path) = &arguments.ready_file {
        centre.write_addresses(path)?;
    }
    let addresses = centre.addresses();
    let web = addresses
        .web
        .map(|web| format!("web https://{web}/, "))
        .unwrap_or_default();
    line(&format!(
        "ready: sensors {}, {web}root certificate SHA-256 {}",
        addresses.collector, addresses.root_fingerprint
    ))?;

    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(centre.run(stopped));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    running.await.context("the centre broke off")?;
    Ok(())
}
