//! What the running centre does for alarms by itself: looks, writes messages, sends them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::{AlarmEvent, Message, compose, mail, webhook};
use crate::exchange::Producer;
use crate::language::{Language, Texts};
use crate::limits::ALARM_SECONDS;
use crate::settings::DataFolder;
use crate::store::{AlarmTarget, DueMessage, Store, StoreError};

/// What alarms need to be told.
#[derive(Clone)]
pub struct Teller {
    pub folder: DataFolder,
    /// What the centre calls itself.
    pub centre: String,
    /// Whose mail server is used; none where there is no `exchange.toml`.
    pub producer: Option<Arc<Producer>>,
}

/// What became of one message.
#[derive(Debug)]
pub struct Tried {
    pub target: String,
    pub id: String,
    /// Why it was not taken.
    pub problem: Option<String>,
}

/// Works until told to stop.
pub async fn run(store: Arc<Store>, teller: Teller, mut stop: watch::Receiver<bool>) {
    loop {
        let (working, telling) = (Arc::clone(&store), teller.clone());
        let (done, finished) = oneshot::channel::<()>();
        // A thread of its own: a round waits for the disk and for servers of others, and a stop waits for neither.
        std::thread::spawn(move || {
            // Of several processes one does this.
            match working.leads() {
                Ok(true) => {
                    if let Err(error) = round(&working, &telling, Timestamp::now()) {
                        tracing::error!(%error, "alarms could not be worked through; it is tried again");
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the database cannot be asked who leads"),
            }
            drop(done);
        });
        tokio::select! {
            // The other end is dropped when the round is over.
            _ = finished => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(ALARM_SECONDS)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One round: looks for what is new, makes the messages that are due, and tries what waits.
///
/// # Errors
/// When the database fails. What a server of others refuses is written down with its message.
pub fn round(store: &Store, teller: &Teller, now: Timestamp) -> Result<Vec<Tried>, StoreError> {
    super::watch::watch(store, &teller.folder, now)?;
    store.make_alarm_messages(now, |target, id, events| {
        teller.write(target, id, events, now)
    })?;
    let mut tried = Vec::new();
    for message in store.due_alarm_messages(now)? {
        let problem = teller.send(&message).err();
        if let Some(problem) = &problem {
            tracing::warn!(
                told = message.target.name,
                problem,
                "an alarm was not taken; it is tried again"
            );
        }
        store.alarm_message_tried(&message, problem.as_deref(), now)?;
        tried.push(Tried {
            target: message.target.name,
            id: message.id,
            problem,
        });
    }
    store.tidy_alarms(now)?;
    Ok(tried)
}

impl Teller {
    /// The words of a message, in the target's language.
    #[must_use]
    pub fn write(
        &self,
        target: &AlarmTarget,
        id: &str,
        events: &[AlarmEvent],
        now: Timestamp,
    ) -> Message {
        let language = Language::from_tag(&target.language).unwrap_or(Language::English);
        compose(
            target.is_mail,
            id,
            &self.centre,
            events,
            Texts::of(language),
            now,
        )
    }

    fn send(&self, message: &DueMessage) -> Result<(), String> {
        if message.target.is_mail {
            return mail::send(self.producer.as_deref(), message).map_err(said);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(said)?;
        runtime
            .block_on(webhook::send(message, Timestamp::now()))
            .map_err(said)
    }
}

/// An error and its causes in one line.
fn said(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
