//! What all requests share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::api_rates::ApiRates;
use super::login_guard::LoginGuard;
use crate::limits::PASSWORD_CHECKS;
use crate::store::{Store, StoreError};

/// State of the web server.
pub struct WebState {
    store: Arc<Store>,
    /// What the centre calls itself.
    pub(super) centre: String,
    pub(super) logins: LoginGuard,
    pub(super) api_rates: ApiRates,
    pub(super) password_checks: Semaphore,
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
        })
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
