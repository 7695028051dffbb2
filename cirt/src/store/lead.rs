//! Which of several processes over one server loads, publishes, mails and tidies. One does; when it ends, or its
//! connection to the server does, another takes over.
//!
//! Nothing hangs on there being only one at every moment: units of the table carry numbers, batches are loaded once by
//! their state, and what is published is written down in the transaction that publishes it. It saves doing things twice.

use super::connection::{locked, opened};
use super::database::{Connection, Location};
use super::{Store, StoreError};

impl Store {
    /// Whether this process leads. The only process over a file always does.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn leads(&self) -> Result<bool, StoreError> {
        if let Location::File(_) = self.location() {
            return Ok(true);
        }
        let mut lead = locked(&self.lead);
        let known = lead.take().filter(|connection| !connection.is_closed());
        let connection = match known {
            Some(connection) => connection,
            None => opened(self.location(), Location::reader)?,
        };
        let Connection::Postgres(asked) = &connection else {
            return Ok(true);
        };
        let leads = asked.lead()?;
        *lead = Some(connection);
        Ok(leads)
    }

    /// Whether other processes may put batches into the same inbox.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.location(), Location::Server(_))
    }
}
