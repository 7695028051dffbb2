//! What the running centre does for the exchange by itself: publishes what is new, polls peers and pushes to them, and sends findings on.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::forward::{Forwarded, SyslogServer, forward};
use super::limits::EXCHANGE_SECONDS;
use super::misp_import::{self, Feed};
use super::notify::{self, FIXED_AFTER, MailServer, SendError, Sent};
use super::publish::{Published, publish, publish_indicators};
use super::taxii::outgoing::Pushed;
use super::{Producer, inbound, taxii};
use crate::causes::with_causes;
use crate::leader_rounds;
use crate::store::{Source, Store, StoreError};

/// What was done at a server of a peer.
#[derive(Clone, Debug)]
pub enum Done {
    Polled(inbound::Outcome),
    Pushed(Pushed),
}

/// Works until told to stop.
pub async fn run(store: Arc<Store>, producer: Arc<Producer>, stop: watch::Receiver<bool>) {
    let pause = Duration::from_secs(EXCHANGE_SECONDS);
    leader_rounds::run(store, pause, stop, move |store| round(store, &producer)).await;
}

fn round(store: &Store, producer: &Producer) {
    if let Err(error) = publish_all(store, producer) {
        tracing::error!(%error, "publishing failed; it is tried again");
    }
    if let Some(server) = producer.settings.mail.as_ref().filter(|one| one.by_itself) {
        match notify_all(store, producer, server) {
            Ok(sent) => {
                let failed = sent.iter().filter(|one| one.findings > 0);
                for Sent { peer, problem, .. } in failed {
                    if let Some(problem) = problem {
                        tracing::warn!(peer, problem, "a mail did not leave; it is tried again");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "those responsible cannot be written to"),
        }
    }
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(async {
            poll_all(store, producer).await;
            forward_all(store, producer).await;
        }),
        Err(error) => tracing::error!(%error, "peers cannot be polled"),
    }
}

/// Sorts new findings into notices, closes what is fixed, and sends what is due.
///
/// # Errors
/// When the server or the database cannot be used at all.
pub fn notify_all(
    store: &Store,
    producer: &Producer,
    server: &MailServer,
) -> Result<Vec<Sent>, SendError> {
    let now = Timestamp::now();
    notify::gather(store, producer, now)?;
    store.close_fixed(FIXED_AFTER, now)?;
    notify::send(store, producer, server, now)
}

/// Publishes all that is new.
///
/// # Errors
/// When the database fails.
pub fn publish_all(store: &Store, producer: &Producer) -> Result<Published, StoreError> {
    let mut all = Published {
        objects: publish_indicators(store, producer, Timestamp::now())?,
        ..Published::default()
    };
    loop {
        let round = publish(store, producer, Timestamp::now())?;
        if round.findings == 0 {
            return Ok(all);
        }
        all.findings += round.findings;
        all.objects += round.objects;
        all.sightings += round.sightings;
    }
}

/// Sends every server of syslog what it has not had. What went, or why nothing did.
pub async fn forward_all(
    store: &Store,
    producer: &Producer,
) -> Vec<(SyslogServer, Result<Forwarded, String>)> {
    let mut results = Vec::new();
    for server in &producer.settings.syslog {
        let result = forward(store, producer, server).await.map_err(with_causes);
        match &result {
            Ok(done) if done.skipped > 0 => {
                tracing::warn!(
                    server = server.host,
                    skipped = done.skipped,
                    "findings were too old to be sent on"
                );
            }
            Ok(_) => {}
            Err(failure) => {
                tracing::warn!(server = server.host, failure, "findings cannot be sent on");
            }
        }
        results.push((server.clone(), result));
    }
    results
}

/// Polls every server of every peer, or pushes to it; what fails is written down and tried again next time. What came, or why nothing did.
pub async fn poll_all(store: &Store, producer: &Producer) -> Vec<(Source, Result<Done, String>)> {
    let mut results = Vec::new();
    let sources = store.sources().unwrap_or_else(|error| {
        tracing::error!(%error, "the servers of peers cannot be read");
        Vec::new()
    });
    for source in sources {
        let result = poll(store, producer, &source).await;
        let failure = result.as_ref().err().map(String::as_str);
        if let Some(failure) = failure {
            tracing::warn!(
                peer = source.peer,
                address = source.address,
                failure,
                "polling a peer failed"
            );
        }
        if let Err(error) = store.source_polled(source.key, failure) {
            tracing::error!(%error, "the end of a poll cannot be written down");
        }
        results.push((source, result));
    }
    results
}

async fn poll(store: &Store, producer: &Producer, source: &Source) -> Result<Done, String> {
    let (peer, _) = store.peer(&source.peer).map_err(with_causes)?;
    if source.kind == "taxii-push" {
        let pushed = taxii::outgoing::push(store, producer, source)
            .await
            .map_err(with_causes)?;
        return Ok(Done::Pushed(pushed));
    }
    if source.kind == "misp" {
        let feed = Feed::of(source).map_err(with_causes)?;
        return misp_import::import(store, producer, &peer, &feed, Timestamp::now())
            .await
            .map(Done::Polled)
            .map_err(with_causes);
    }
    let polled = taxii::client::poll(store, producer, &peer, source)
        .await
        .map_err(with_causes)?;
    Ok(Done::Polled(polled.outcome))
}
