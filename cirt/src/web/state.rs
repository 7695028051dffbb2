//! What all requests share.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::api_rates::ApiRates;
use super::login_guard::LoginGuard;
use crate::alarms::worker::Teller;
use crate::limits::PASSWORD_CHECKS;
use crate::query::Scope;
use crate::rule_repository::newest_pack;
use crate::settings::DataFolder;
use crate::store::{FleetMember, Store, StoreError};

/// State of the web server.
pub struct WebState {
    store: Arc<Store>,
    /// What the centre calls itself.
    pub(super) centre: String,
    pub(super) logins: LoginGuard,
    pub(super) api_rates: ApiRates,
    pub(super) password_checks: Semaphore,
    /// The data folder, where there is one: rules are published from it.
    pub(super) folder: Option<DataFolder>,
}

impl WebState {
    /// State over an open store.
    #[must_use]
    pub fn new(store: Arc<Store>, centre: &str) -> Arc<Self> {
        Arc::new(Self {
            store,
            centre: centre.to_owned(),
            logins: LoginGuard::default(),
            api_rates: ApiRates::default(),
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            folder: None,
        })
    }

    /// State over an open store and its data folder.
    #[must_use]
    pub fn with_folder(store: Arc<Store>, centre: &str, folder: DataFolder) -> Arc<Self> {
        let mut state = Self::new(store, centre);
        if let Some(state) = Arc::get_mut(&mut state) {
            state.folder = Some(folder);
        }
        state
    }

    /// Where captures for back-tests lie.
    pub(super) fn captures_folder(&self) -> Option<PathBuf> {
        self.folder
            .as_ref()
            .map(|folder| folder.root().join("captures"))
    }

    /// Digest of the published pack, and since when. None while nothing is published.
    pub(super) fn newest_pack(
        &self,
        store: &Store,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        self.folder
            .as_ref()
            .map_or(Ok(None), |folder| newest_pack(folder, store))
    }

    /// The sensors within a scope, and how each of them is.
    pub(super) fn fleet(
        &self,
        store: &Store,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Vec<FleetMember>, StoreError> {
        let newest = self.newest_pack(store)?;
        let newest = newest.as_ref().map(|(pack, since)| (pack.as_str(), *since));
        store.fleet(scope, newest, now)
    }

    /// Who tells alarms, for their words.
    pub(super) fn teller(&self) -> Teller {
        Teller {
            folder: self.data_folder(),
            centre: self.centre.clone(),
            producer: None,
        }
    }

    /// The data folder; where there is none, one that holds nothing.
    fn data_folder(&self) -> DataFolder {
        let nothing = || DataFolder::new(std::path::Path::new(""));
        self.folder.clone().unwrap_or_else(nothing)
    }

    /// Runs a query on a thread that may wait for the disk.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Unreadable("answer: the query was cut off")),
        }
    }
}
