//! The certificate that the centre shows to everyone who connects, always one for the time that it is.
//!
//! A server that starts before its clock is set, or whose clock jumps, would otherwise go on to show a certificate for another
//! time, and no sensor could reach it until somebody started it again; so would one that runs for more than a year.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate_authority::{AuthorityError, BACKDATE, CertificateAuthority};
use crate::limits::SERVER_CERTIFICATE_DAYS;

/// A certificate is shown for half of its life.
const SHOWN_FOR: Duration = Duration::from_secs(SERVER_CERTIFICATE_DAYS as u64 * 12 * 3600);

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum ServerCertificateError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the server certificate is not usable")]
    Tls(#[from] rustls::Error),
}

/// Shows a certificate, and makes another with a new key when the clock has left the time for which it was made. No key
/// touches the disk.
pub struct ServerCertificate {
    authority: Arc<CertificateAuthority>,
    hosts: Vec<String>,
    current: Mutex<Made>,
}

struct Made {
    shown: Arc<CertifiedKey>,
    at: SystemTime,
}

impl ServerCertificate {
    /// Makes the first one, for these host names and addresses.
    ///
    /// # Errors
    /// When a name is not usable, or making it fails.
    pub fn new(
        authority: Arc<CertificateAuthority>,
        hosts: Vec<String>,
    ) -> Result<Self, ServerCertificateError> {
        let made = Made::now(&authority, &hosts, SystemTime::now())?;
        Ok(Self {
            authority,
            hosts,
            current: Mutex::new(made),
        })
    }

    /// The certificate for a time. Where a new one cannot be made the old one is shown: perhaps the other side's clock is as wrong.
    fn at(&self, now: SystemTime) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.is_for(now) {
            match Made::now(&self.authority, &self.hosts, now) {
                Ok(made) => {
                    tracing::info!(
                        "the server certificate was made anew: the time it was for has passed, or the clock was set"
                    );
                    *current = made;
                }
                Err(error) => tracing::error!(%error, "cannot make the server certificate anew"),
            }
        }
        Arc::clone(&current.shown)
    }
}

impl Made {
    fn now(
        authority: &CertificateAuthority,
        hosts: &[String],
        now: SystemTime,
    ) -> Result<Self, ServerCertificateError> {
        let identity = authority.issue_server(hosts)?;
        let provider = aws_lc_rs::default_provider();
        let shown = CertifiedKey::from_der(identity.chain, identity.key, &provider)?;
        Ok(Self {
            shown: Arc::new(shown),
            at: now,
        })
    }

    fn is_for(&self, now: SystemTime) -> bool {
        match now.duration_since(self.at) {
            Ok(since) => since < SHOWN_FOR,
            Err(before) => before.duration() < BACKDATE / 2,
        }
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerCertificate")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(SystemTime::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DataFolder;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_certificate_is_made_anew_when_the_clock_leaves_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path());
        data.create().unwrap();
        let authority = Arc::new(CertificateAuthority::create(&data, "test").unwrap());
        let shown = ServerCertificate::new(authority, vec!["localhost".to_owned()]).unwrap();
        let now = SystemTime::now();
        let first = shown.at(now);
        let is_first = |when| Arc::ptr_eq(&first, &shown.at(when));
        assert!(is_first(now - DAY / 4) && is_first(now + 190 * DAY));
        assert!(!is_first(now + 210 * DAY));
        // The clock had been ahead, and is set back: again another one.
        let ahead = shown.at(now + 210 * DAY);
        assert!(!Arc::ptr_eq(&ahead, &shown.at(SystemTime::UNIX_EPOCH)));
    }
}
