//! The findings thread: the packet path hands alerts over a bounded channel and never waits for a disk, unless the
//! channel is full. Then it waits, and what the kernel drops meanwhile is counted by the kernel.

use std::{
    io,
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lapwing_outbox::OutboxError;

use super::{
    limits::CHANNEL_ITEMS_MAX,
    observation::Observation,
    recorder::{Recorder, RulesNow, Totals},
};
use crate::{detect::Alert, time::Timestamp};

/// Between two looks at what is due by the wall clock.
const TICK: Duration = Duration::from_secs(1);

/// Why the findings thread ended without having told everything.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// It cannot be started.
    #[error("cannot start the findings thread")]
    Start(#[source] io::Error),
    /// The outbox cannot be written through to the disk.
    #[error("cannot finish the outbox")]
    Outbox(#[source] OutboxError),
    /// It panicked.
    #[error("the findings thread ended in a panic")]
    Panic,
}

enum Item {
    Alert(Box<Alert>),
    Observed {
        worker: usize,
        now: Option<Timestamp>,
        total: Box<Observation>,
    },
    Rules(RulesNow),
    RulesRefused(String),
    Finish,
}

/// One worker's way to the findings thread.
#[derive(Clone, Debug)]
pub struct FindingsInlet {
    items: Sender<Item>,
    worker: usize,
}

impl FindingsInlet {
    /// Hands over an alert. False when the thread is gone: then the process must end, [`FindingsThread::finish`] says why.
    #[must_use]
    pub fn alert(&self, alert: Alert) -> bool {
        self.items.send(Item::Alert(Box::new(alert))).is_ok()
    }

    /// Tells the worker's totals, and the packet time it has come to where that is news. False when the thread is gone.
    #[must_use]
    pub fn observe(&self, now: Option<Timestamp>, total: Observation) -> bool {
        self.items
            .send(Item::Observed {
                worker: self.worker,
                now,
                total: Box::new(total),
            })
            .is_ok()
    }
}

impl FindingsInlet {
    /// Tells that other rules run now. False when the thread is gone.
    #[must_use]
    pub fn rules(&self, now: RulesNow) -> bool {
        self.items.send(Item::Rules(now)).is_ok()
    }

    /// Tells why new rules do not run. False when the thread is gone.
    #[must_use]
    pub fn rules_refused(&self, reason: String) -> bool {
        self.items.send(Item::RulesRefused(reason)).is_ok()
    }
}

/// The findings thread, for who starts and ends it.
#[derive(Debug)]
pub struct FindingsThread {
    items: Sender<Item>,
    thread: JoinHandle<Result<Totals, OutboxError>>,
}

impl FindingsThread {
    /// Starts the thread. `each_tick` is called about once a second, and once at the end, with the recorder as it is.
    ///
    /// # Errors
    /// [`FindingsError::Start`].
    pub fn start(
        recorder: Recorder,
        each_tick: impl FnMut(&Recorder) + Send + 'static,
    ) -> Result<Self, FindingsError> {
        let (items, received) = bounded(CHANNEL_ITEMS_MAX);
        let thread = Builder::new()
            .name("findings".to_owned())
            .spawn(move || work(recorder, &received, each_tick))
            .map_err(FindingsError::Start)?;
        Ok(Self { items, thread })
    }

    /// The way of a worker to this thread; workers count from 0.
    #[must_use]
    pub fn inlet(&self, worker: usize) -> FindingsInlet {
        FindingsInlet {
            items: self.items.clone(),
            worker,
        }
    }

    /// Waits until everything that workers handed over is told and on disk.
    ///
    /// # Errors
    /// [`FindingsError::Outbox`], [`FindingsError::Panic`].
    pub fn finish(self) -> Result<Totals, FindingsError> {
        // Where the thread is gone its result says why.
        drop(self.items.send(Item::Finish));
        let result = self.thread.join().map_err(|_| FindingsError::Panic)?;
        result.map_err(FindingsError::Outbox)
    }
}

fn work(
    mut recorder: Recorder,
    items: &Receiver<Item>,
    mut each_tick: impl FnMut(&Recorder),
) -> Result<Totals, OutboxError> {
    let mut next_tick = Instant::now();
    loop {
        if Instant::now() >= next_tick {
            recorder.tick();
            each_tick(&recorder);
            next_tick = Instant::now() + TICK;
        }
        match items.recv_deadline(next_tick) {
            Ok(Item::Alert(alert)) => recorder.alert(&alert),
            Ok(Item::Observed { worker, now, total }) => recorder.observe(worker, now, *total),
            Ok(Item::Rules(now)) => recorder.rules_changed(now),
            Ok(Item::RulesRefused(reason)) => recorder.rules_were_refused(reason),
            Err(RecvTimeoutError::Timeout) => {}
            // Where all workers ended without a word they panicked. What is open is told all the same.
            Ok(Item::Finish) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    recorder.finish()?;
    each_tick(&recorder);
    Ok(recorder.totals())
}
