//! What is believed, and what it takes to be believed next (specification, section 5).

use super::error::TufError;
use super::header::{Metadata, Signed};
use super::root::{Root, TopRole};
use super::snapshot::{Snapshot, Timestamp};
use super::state::TrustedState;
use super::targets::Targets;
use crate::error::TrustError;
use crate::role::Role;

/// The metadata that is believed. New bytes are taken in order: roots, timestamp, snapshot,
/// targets; what is refused changes nothing.
#[derive(Debug, Clone)]
pub struct TrustedSet {
    root: Believed<Root>,
    timestamp: Option<Believed<Timestamp>>,
    snapshot: Option<Believed<Snapshot>>,
    targets: Option<Believed<Targets>>,
    clock_seconds: u64,
}

#[derive(Debug, Clone)]
struct Believed<M> {
    metadata: M,
    text: String,
}

impl<M: Metadata> Believed<M> {
    /// Reads a file and holds its signatures against a role.
    fn read(bytes: &[u8], role: &Role) -> Result<Self, TrustError> {
        let signed = Signed::<M>::parse(bytes)?;
        signed.check(role)?;
        Ok(Self {
            metadata: signed.into_metadata(),
            text: text_of(bytes)?,
        })
    }
}

fn text_of(bytes: &[u8]) -> Result<String, TrustError> {
    let text = str::from_utf8(bytes).map_err(|_| TrustError::Malformed {
        what: "it is not text",
    })?;
    Ok(text.to_owned())
}

impl TrustedSet {
    /// What was stored, at a time: the caller's clock, or a better floor that it knows.
    ///
    /// A stored timestamp or snapshot that the root's keys do not vouch for is forgotten.
    ///
    /// # Errors
    /// [`TufError::Refused`] when the root is not signed by its own keys.
    pub fn open(state: &TrustedState, clock_seconds: u64) -> Result<Self, TufError> {
        let refused = |source| TufError::Refused {
            file: "the trusted root".to_owned(),
            source,
        };
        let read = || {
            let root = Signed::<Root>::parse(state.root.as_bytes())?;
            root.check(&root.metadata().role(TopRole::Root)?)?;
            Ok(root.into_metadata())
        };
        let mut set = Self {
            root: Believed {
                metadata: read().map_err(refused)?,
                text: state.root.clone(),
            },
            timestamp: None,
            snapshot: None,
            targets: None,
            clock_seconds,
        };
        set.timestamp = set.stored(state.timestamp.as_ref(), TopRole::Timestamp);
        set.snapshot = set.stored(state.snapshot.as_ref(), TopRole::Snapshot);
        set.targets = set.stored(state.targets.as_ref(), TopRole::Targets);
        Ok(set)
    }

    fn stored<M: Metadata>(&self, text: Option<&String>, role: TopRole) -> Option<Believed<M>> {
        let role = self.root.metadata.role(role).ok()?;
        Believed::read(text?.as_bytes(), &role).ok()
    }

    /// What to store.
    pub fn state(&self) -> TrustedState {
        TrustedState {
            root: self.root.text.clone(),
            timestamp: self
                .timestamp
                .as_ref()
                .map(|believed| believed.text.clone()),
            snapshot: self.snapshot.as_ref().map(|believed| believed.text.clone()),
            targets: self.targets.as_ref().map(|believed| believed.text.clone()),
        }
    }

    /// The root that is believed.
    pub const fn root(&self) -> &Root {
        &self.root.metadata
    }

    /// The timestamp that is believed.
    pub fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref().map(|believed| &believed.metadata)
    }

    /// The snapshot that is believed.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref().map(|believed| &believed.metadata)
    }

    /// The targets that are believed.
    pub fn targets(&self) -> Option<&Targets> {
        self.targets.as_ref().map(|believed| &believed.metadata)
    }

    /// The best time known: the clock that was given, or the newest time at which something
    /// believed was made.
    pub fn now_seconds(&self) -> u64 {
        let timestamp = self.timestamp().map(Metadata::header);
        [Some(self.root().header()), timestamp]
            .into_iter()
            .flatten()
            .filter_map(|header| header.issued)
            .map(|issued| issued.seconds())
            .fold(self.clock_seconds, u64::max)
    }

    /// Whether the clock that was given is behind what is signed, and so not to be trusted.
    pub fn is_clock_behind(&self) -> bool {
        self.now_seconds() > self.clock_seconds
    }

    /// Takes the root that follows (5.3.4 to 5.3.8). Its end is not looked at: it may be one of
    /// several.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take_root(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        let next: Believed<Root> = Believed::read(bytes, &self.root().role(TopRole::Root)?)?;
        let signed_by_itself = next.metadata.role(TopRole::Root)?;
        Believed::<Root>::read(bytes, &signed_by_itself)?;
        let (found, expected) = (
            next.metadata.header.version,
            self.root().header.version.saturating_add(1),
        );
        if found != expected {
            return Err(TrustError::WrongVersion { found, expected });
        }
        self.root = next;
        Ok(())
    }

    /// No newer root came: the last one must not be over, and what its keys no longer vouch for
    /// is forgotten (5.3.10, 5.3.11).
    ///
    /// # Errors
    /// [`TrustError::Expired`].
    pub fn finish_roots(&mut self) -> Result<(), TrustError> {
        if self.disowns(self.timestamp.as_ref(), TopRole::Timestamp)
            || self.disowns(self.snapshot.as_ref(), TopRole::Snapshot)
        {
            self.timestamp = None;
            self.snapshot = None;
        }
        if self.disowns(self.targets.as_ref(), TopRole::Targets) {
            self.targets = None;
        }
        self.root().header.check_expiry(self.now_seconds())
    }

    /// Whether something believed is no longer signed by those who may sign it.
    fn disowns<M: Metadata>(&self, believed: Option<&Believed<M>>, role: TopRole) -> bool {
        believed.is_some_and(|believed| self.stored::<M>(Some(&believed.text), role).is_none())
    }

    /// Takes a timestamp (5.4). One of the version that is believed already changes nothing.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take_timestamp(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        let next: Believed<Timestamp> =
            Believed::read(bytes, &self.root().role(TopRole::Timestamp)?)?;
        if let Some(before) = self.timestamp() {
            next.metadata.header.check_floor(before.header.version)?;
            if next.metadata.header.version == before.header.version {
                return before.header.check_expiry(self.now_seconds());
            }
            let (version, floor) = (
                next.metadata.snapshot()?.version,
                before.snapshot()?.version,
            );
            if version < floor {
                return Err(TrustError::Rollback { version, floor });
            }
        }
        next.metadata.header.check_expiry(self.now_seconds())?;
        self.timestamp = Some(next);
        Ok(())
    }

    /// Whether the snapshot that is believed is the one that the timestamp names.
    pub(super) fn has_named_snapshot(&self) -> bool {
        let named = self
            .timestamp()
            .and_then(|timestamp| timestamp.snapshot().ok());
        named.is_some_and(|named| {
            self.snapshot.as_ref().is_some_and(|snapshot| {
                snapshot.metadata.header.version == named.version
                    && named.check(snapshot.text.as_bytes()).is_ok()
            })
        })
    }

    /// Takes the snapshot that the timestamp names (5.5).
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take_snapshot(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        let named = self.timestamp().ok_or(TrustError::Malformed {
            what: "no timestamp was taken before it",
        })?;
        let named = named.snapshot()?;
        named.check(bytes)?;
        let next: Believed<Snapshot> =
            Believed::read(bytes, &self.root().role(TopRole::Snapshot)?)?;
        check_version(&next.metadata, named.version)?;
        if let Some(before) = self.snapshot() {
            next.metadata.check_follows(before)?;
        }
        next.metadata.header.check_expiry(self.now_seconds())?;
        self.snapshot = Some(next);
        Ok(())
    }

    /// Whether the targets that are believed are those that the snapshot names.
    pub(super) fn has_named_targets(&self) -> bool {
        let named = self
            .snapshot()
            .and_then(|snapshot| snapshot.file_of(Targets::KIND).ok());
        named.is_some_and(|named| {
            self.targets.as_ref().is_some_and(|targets| {
                targets.metadata.header.version == named.version
                    && named.check(targets.text.as_bytes()).is_ok()
            })
        })
    }

    /// Takes the targets that the snapshot names (5.6).
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take_targets(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        let role = self.root().role(TopRole::Targets)?;
        self.targets = Some(self.read_targets(Targets::KIND, bytes, &role)?);
        Ok(())
    }

    /// Reads the targets of a delegated role; they are used and not kept.
    pub(super) fn delegated(
        &self,
        name: &str,
        bytes: &[u8],
        role: &Role,
    ) -> Result<Targets, TrustError> {
        self.read_targets(name, bytes, role)
            .map(|believed| believed.metadata)
    }

    fn read_targets(
        &self,
        name: &str,
        bytes: &[u8],
        role: &Role,
    ) -> Result<Believed<Targets>, TrustError> {
        let snapshot = self.snapshot().ok_or(TrustError::Malformed {
            what: "no snapshot was taken before it",
        })?;
        let named = snapshot.file_of(name)?;
        named.check(bytes)?;
        let next: Believed<Targets> = Believed::read(bytes, role)?;
        check_version(&next.metadata, named.version)?;
        next.metadata.header.check_expiry(self.now_seconds())?;
        Ok(next)
    }

    /// What is believed is not over: the last look of an update that found nothing new.
    pub(super) fn check_expiry(&self, role: TopRole) -> Result<(), TrustError> {
        let header = match role {
            TopRole::Root => Some(self.root().header()),
            TopRole::Timestamp => self.timestamp().map(Metadata::header),
            TopRole::Snapshot => self.snapshot().map(Metadata::header),
            TopRole::Targets => self.targets().map(Metadata::header),
        };
        header.map_or(Ok(()), |header| header.check_expiry(self.now_seconds()))
    }
}

fn check_version<M: Metadata>(metadata: &M, expected: u64) -> Result<(), TrustError> {
    let found = metadata.header().version;
    if found == expected {
        Ok(())
    } else {
        Err(TrustError::WrongVersion { found, expected })
    }
}
