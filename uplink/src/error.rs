//! Why enrolling or sending does not go on.

use std::io;
use std::path::PathBuf;

use lapwing_outbox::OutboxError;
use lapwing_wire::CloseReason;

use crate::ledger::LedgerError;

/// Why enrolling or sending does not go on. Those that [`crate::run`] can wait out, it does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UplinkError {
    /// A file cannot be read or written.
    #[error("cannot {step} {}", path.display())]
    File {
        /// What was tried.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file is not what this program writes.
    #[error("{} is not usable: {problem}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// No enrolment in the identity folder.
    #[error("this device is not enrolled ({} is not there): run `lapwing enroll` with a voucher from the centre", path.display())]
    NotEnrolled {
        /// The file that is missing.
        path: PathBuf,
    },
    /// There is an enrolment already.
    #[error("this device is enrolled already as {sensor}: move {} away to enrol it anew", path.display())]
    AlreadyEnrolled {
        /// The sensor that it is.
        sensor: String,
        /// The file that says so.
        path: PathBuf,
    },
    /// The centre's answer cannot be used.
    #[error("the centre's answer is not usable: {problem}")]
    BadAnswer {
        /// What is wrong.
        problem: String,
    },
    /// The centre refused the enrolment.
    #[error("the centre refused to enrol this device: {reason}")]
    Refused {
        /// Its reason.
        reason: String,
    },
    /// No address of the centre could be reached.
    #[error("the centre cannot be reached at {address}")]
    Unreachable {
        /// The last address tried.
        address: String,
        /// What went wrong there.
        #[source]
        cause: io::Error,
    },
    /// What leaves cannot be entered in the ledger: then it does not leave.
    #[error("nothing leaves that cannot be entered in the ledger")]
    Ledger(#[from] LedgerError),
    /// The connection broke.
    #[error("the connection to the centre broke")]
    Broken(#[source] io::Error),
    /// The session ended.
    #[error("the session with the centre ended")]
    Session(#[source] CloseReason),
    /// TLS cannot be set up with this device's key and certificate.
    #[error("TLS cannot be set up with this device's key and certificate")]
    Tls(#[from] rustls::Error),
    /// A request for a certificate cannot be made.
    #[error("a request for a certificate cannot be made")]
    Request(#[from] rcgen::Error),
    /// The outbox cannot be used.
    #[error("the outbox cannot be used")]
    Outbox(#[from] OutboxError),
    /// The runtime cannot be started.
    #[error("the network runtime cannot be started")]
    Runtime(#[source] io::Error),
    /// Told to stop.
    #[error("stopped")]
    Stopped,
}

impl UplinkError {
    pub(crate) fn file(
        step: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { step, path, cause }
    }
}
