//! What the running centre does for alarms by itself: looks, writes messages, sends them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{AlarmEvent, Message, compose, mail, webhook};
use crate::causes::with_causes;
use crate::exchange::Producer;
use crate::language::{Language, Texts};
use crate::leader_rounds;
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
pub async fn run(store: Arc<Store>, teller: Teller, stop: watch::Receiver<bool>) {
    let pause = Duration::from_secs(ALARM_SECONDS);
    leader_rounds::run(store, pause, stop, move |store| {
        if let Err(error) = round(store, &teller, Timestamp::now()) {
            tracing::error!(%error, "alarms could not be worked through; it is tried again");
        }
    })
    .await;
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

    /// Queues a message for a target that says nothing but that messages arrive.
    ///
    /// # Errors
    /// When there is no such target, or the database fails.
    pub fn queue_test(
        &self,
        store: &Store,
        actor: &str,
        target: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let target = store.alarm_target(target)?;
        store.queue_alarm_test(actor, &target, now, |target, id, events| {
            self.write(target, id, events, now)
        })
    }

    fn send(&self, message: &DueMessage) -> Result<(), String> {
        if message.target.is_mail {
            return mail::send(self.producer.as_deref(), message).map_err(with_causes);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(with_causes)?;
        runtime
            .block_on(webhook::send(message, Timestamp::now()))
            .map_err(with_causes)
    }
}
