//! The running centre: opens everything, listens, loads, and stops in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lapwing_wire::CENTRE_SERVER_NAME;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::alarms;
use crate::alarms::worker::Teller;
use crate::collector::{Collector, CollectorShared, TlsError, collector_tls};
use crate::enrolment::{
    AuthorityError, CertificateAuthority, EnrolmentDesk, ServerCertificate, ServerCertificateError,
    load_sealing_key,
};
use crate::exchange::{self, ExchangeError, Producer};
use crate::limits::TABLE_CARE_INTERVAL;
use crate::loader::{Loader, LoaderTotals};
use crate::settings::data_folder::write_private;
use crate::settings::{DataFolder, Settings};
use crate::store::{Store, StoreError, TableCare};
use crate::web::{WebServer, WebState, router, web_tls};

/// How often the loader looks even when nobody told it to.
const LOADER_INTERVAL: Duration = Duration::from_secs(5);
/// The same where other processes take batches, and nobody tells of theirs.
const SHARED_LOADER_INTERVAL: Duration = Duration::from_secs(1);

/// What a process does of all that the centre does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything. Where several do, each has its pages, and one of them at a time loads, publishes and tidies.
    #[default]
    Whole,
    /// Takes batches and answers sensors, nothing else.
    Collector,
}

/// Why the centre cannot start.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("cannot write {0}")]
    ReadyFile(std::path::PathBuf, #[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Certificate(#[from] ServerCertificateError),
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    #[error("TLS cannot be set up")]
    WebTls(#[from] rustls::Error),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    #[error("the sealing key is not usable")]
    SealingKey(#[from] lapwing_wire::DecodeError),
}

/// Where the centre listens: what `--ready-file` and `addresses.json` hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addresses {
    pub collector: SocketAddr,
    /// None at a process that has no pages.
    pub web: Option<SocketAddr>,
    /// SHA-256 of the root certificate.
    pub root_fingerprint: String,
    pub process: u32,
}

/// A centre that has opened its data and its sockets.
pub struct Centre {
    collector: Collector,
    /// Pages and the loader; none at a mere collector.
    whole: Option<(WebServer, Loader)>,
    /// Set where the centre has said who it is towards others.
    producer: Option<Arc<Producer>>,
    store: Arc<Store>,
    stored: Arc<Notify>,
    keep_findings_days: Option<u32>,
    teller: Teller,
    addresses: Addresses,
}

impl Centre {
    /// Opens the data folder and binds both listeners, to do everything.
    ///
    /// # Errors
    /// When anything is missing or in use.
    pub async fn open(folder: &DataFolder, settings: &Settings) -> Result<Self, CentreError> {
        Self::open_as(Role::Whole, folder, settings).await
    }

    /// Opens the data folder and binds the listeners that a role needs.
    ///
    /// # Errors
    /// When anything is missing or in use.
    pub async fn open_as(
        role: Role,
        folder: &DataFolder,
        settings: &Settings,
    ) -> Result<Self, CentreError> {
        let store = Arc::new(Store::of(folder, settings)?);
        let authority = Arc::new(CertificateAuthority::load(folder)?);
        let sealing_key = load_sealing_key(folder)?;
        let identity = Arc::new(ServerCertificate::new(
            Arc::clone(&authority),
            host_names(settings),
        )?);
        let collector_config = collector_tls(
            identity.clone(),
            &[authority.root().clone(), authority.issuing().clone()],
        )?;
        let web_config = web_tls(identity)?;
        let root_fingerprint = hex::encode(authority.root_fingerprint());

        let collector_listener = listen(settings.listen).await?;
        let web_listener = match role {
            Role::Whole => Some(listen(settings.web_listen).await?),
            Role::Collector => None,
        };
        let local = |listener: &TcpListener, wanted| {
            listener
                .local_addr()
                .map_err(|error| CentreError::Listen(wanted, error))
        };
        let addresses = Addresses {
            collector: local(&collector_listener, settings.listen)?,
            web: web_listener
                .as_ref()
                .map(|listener| local(listener, settings.web_listen))
                .transpose()?,
            root_fingerprint,
            process: std::process::id(),
        };
        let producer = match role {
            Role::Whole => exchange::producer(folder)?,
            Role::Collector => None,
        };
        let desk = EnrolmentDesk::new(authority, sealing_key.public_key()?);
        let stored = Arc::new(Notify::new());
        Ok(Self {
            collector: Collector {
                listener: collector_listener,
                tls: TlsAcceptor::from(Arc::new(collector_config)),
                shared: Arc::new(CollectorShared::new(
                    Arc::clone(&store),
                    desk,
                    Arc::clone(&stored),
                    folder.clone(),
                    settings.renew_expired_days,
                )),
            },
            whole: web_listener.map(|listener| {
                let web = WebServer {
                    listener,
                    tls: TlsAcceptor::from(Arc::new(web_config)),
                    router: router(WebState::with_folder(
                        Arc::clone(&store),
                        settings.name.as_str(),
                        folder.clone(),
                    ))
                    .merge(exchange::routes(&store, producer.as_ref())),
                };
                (web, Loader::new(sealing_key))
            }),
            teller: Teller {
                folder: folder.clone(),
                centre: settings.name.to_string(),
                producer: producer.clone(),
            },
            producer,
            store,
            stored,
            keep_findings_days: settings.keep_findings_days,
            addresses,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Writes where it listens, as JSON, replacing the file at once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_addresses(&self, path: &Path) -> Result<(), CentreError> {
        let text = serde_json::json!(self.addresses).to_string();
        write_private(path, text.as_bytes())
            .map_err(|error| CentreError::ReadyFile(path.to_owned(), error))
    }

    /// Serves until told to stop; everything acknowledged is on disk at every moment.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut parts = JoinSet::new();
        parts.spawn(self.collector.run(stop.clone()));
        if let Some(producer) = self.producer {
            parts.spawn(exchange::worker::run(
                Arc::clone(&self.store),
                producer,
                stop.clone(),
            ));
        }
        if let Some((web, loader)) = self.whole {
            parts.spawn(web.run(stop.clone()));
            parts.spawn(care_for_the_table(
                Arc::clone(&self.store),
                self.keep_findings_days,
                stop.clone(),
            ));
            parts.spawn(alarms::worker::run(
                Arc::clone(&self.store),
                self.teller,
                stop.clone(),
            ));
            parts.spawn(load_what_arrives(
                Arc::new(loader),
                self.store,
                self.stored,
                stop,
            ));
        }
        while parts.join_next().await.is_some() {}
    }
}

/// Runs the loader whenever a batch was stored, and now and then.
async fn load_what_arrives(
    loader: Arc<Loader>,
    store: Arc<Store>,
    stored: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let interval = if store.is_shared() {
        SHARED_LOADER_INTERVAL
    } else {
        LOADER_INTERVAL
    };
    loop {
        let (worker, store) = (Arc::clone(&loader), Arc::clone(&store));
        let load = move || match store.leads() {
            Ok(true) => worker.run(&store),
            Ok(false) => Ok(LoaderTotals::default()),
            Err(error) => Err(error),
        };
        match tokio::task::spawn_blocking(load).await {
            Ok(Ok(totals)) if totals.batches > 0 => tracing::debug!(
                batches = totals.batches,
                records = totals.records,
                repeated = totals.repeated,
                "batches loaded"
            ),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "loading failed; it is tried again"),
            Err(error) => tracing::error!(%error, "the loader broke off; it is started again"),
        }
        tokio::select! {
            () = stored.notified() => {}
            () = tokio::time::sleep(interval) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Keeps the table of findings in few files, and drops days that are over.
async fn care_for_the_table(
    store: Arc<Store>,
    keep_days: Option<u32>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TABLE_CARE_INTERVAL) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let store = Arc::clone(&store);
        let care = move || {
            // One process cares for the tables.
            if !store.leads()? {
                return Ok(TableCare::default());
            }
            if let Some(days) = keep_days {
                let dropped = store.keep_days("centre", days, Timestamp::now())?;
                if dropped.files > 0 {
                    tracing::info!(
                        findings = dropped.findings,
                        files = dropped.files,
                        "findings older than {days} days dropped"
                    );
                }
            }
            store.care_for_the_table()
        };
        match tokio::task::spawn_blocking(care).await {
            Ok(Ok(care)) => tracing::debug!(
                days = care.days,
                files = care.files,
                "table of findings in order"
            ),
            Ok(Err(error)) => {
                tracing::error!(%error, "the table of findings could not be put in order")
            }
            Err(error) => tracing::error!(%error, "care for the table broke off"),
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CentreError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| CentreError::Listen(address, error))
}

/// What the server certificate is for: the name that sensors ask for, and what people type.
fn host_names(settings: &Settings) -> Vec<String> {
    let mut names = vec![
        CENTRE_SERVER_NAME.to_owned(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let mut add = |name: String| {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    };
    for address in [settings.listen, settings.web_listen] {
        if !address.ip().is_unspecified() {
            add(address.ip().to_string());
        }
    }
    if let Some((host, _)) = settings
        .public_address
        .as_deref()
        .and_then(|address| address.rsplit_once(':'))
    {
        add(host.trim_matches(['[', ']']).to_owned());
    }
    names
}
