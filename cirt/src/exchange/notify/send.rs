//! Sends what is due, over TLS only.

use std::path::PathBuf;

use jiff::Timestamp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};

use super::mail::{MailError, Notice, compose};
use super::{MAIL_INTERVAL, REMINDER};
use crate::exchange::{Producer, SharedFinding, Way, release};
use crate::query::Scope;
use crate::store::{Store, StoreError};

/// The mail server of the organisation.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    /// TLS from the first byte, instead of after STARTTLS.
    pub tls_at_once: bool,
    /// Name, and the file with the password.
    pub login: Option<(String, PathBuf)>,
    /// Certificates of its authority, where browsers do not know it.
    pub authority: Option<PathBuf>,
    /// Whether a running centre sends what is due without being told to.
    pub by_itself: bool,
}

/// Why nothing could be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error("the mail server cannot be used")]
    Server(#[from] lettre::transport::smtp::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of one recipient's mail.
#[derive(Debug)]
pub struct Sent {
    pub peer: String,
    pub findings: usize,
    /// Why it did not leave.
    pub problem: Option<String>,
}

impl MailServer {
    pub(crate) fn transport(&self) -> Result<SmtpTransport, SendError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| SendError::Read(path.clone(), error))
        };
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.authority {
            parameters = parameters.add_root_certificate(Certificate::from_pem(&read(path)?)?);
        }
        let parameters = parameters.build()?;
        let tls = if self.tls_at_once {
            Tls::Wrapper(parameters)
        } else {
            Tls::Required(parameters)
        };
        // "Dangerous" because it starts without TLS; what is set next is TLS or nothing.
        let mut builder = SmtpTransport::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls);
        if let Some((name, path)) = &self.login {
            let password = String::from_utf8_lossy(&read(path)?).trim().to_owned();
            builder = builder.credentials(Credentials::new(name.clone(), password));
        }
        Ok(builder.build())
    }
}

/// Writes to everybody for whom something is due.
///
/// # Errors
/// When the server or the database cannot be used at all.
pub fn send(
    store: &Store,
    producer: &Producer,
    server: &MailServer,
    now: Timestamp,
) -> Result<Vec<Sent>, SendError> {
    let transport = server.transport()?;
    let domain = producer
        .settings
        .contact
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut sent = Vec::new();
    for contact in store.contacts()? {
        if contact.approved.is_none() || contact.bounced.is_some() {
            continue;
        }
        let due = store.due_findings(&contact.peer, now - MAIL_INTERVAL, now - REMINDER)?;
        if due.is_empty() {
            continue;
        }
        let markings = store.markings()?;
        let mut findings = Vec::new();
        let mut relapsed = Vec::new();
        for (id, is_back) in &due {
            let Some(row) = store.finding(Scope::Nation, id)? else {
                continue;
            };
            let marking = markings.of(&row);
            findings.push(SharedFinding::new(producer, row, marking, |_| None));
            if *is_back {
                relapsed.push(id.clone());
            }
        }
        let released = release(store, &contact.peer, Way::Mail, now, findings)?;
        let ids: Vec<String> = due.into_iter().map(|(id, _)| id).collect();
        let count = released.items().len();
        let message_id = format!(
            "{}@{domain}",
            producer.name("mail", &format!("{}\n{now}", contact.peer))
        );
        let problem = if count == 0 {
            Some("the agreement lets nothing through".to_owned())
        } else {
            let notice = Notice {
                producer,
                contact: &contact,
                released: &released,
                relapsed: &relapsed,
                message_id: &message_id,
            };
            let mailed = compose(&notice).map_err(|error: MailError| said(&error));
            mailed
                .and_then(|mail| {
                    transport
                        .send(&mail)
                        .map(drop)
                        .map_err(|error| said(&error))
                })
                .err()
        };
        // What the gate refused is settled as well: it is in the register, and asking again tomorrow changes nothing.
        if problem.is_none() || count == 0 {
            store.mail_sent(&contact.peer, &message_id, &ids, count, now)?;
        }
        sent.push(Sent {
            peer: contact.peer,
            findings: count,
            problem,
        });
    }
    Ok(sent)
}

fn said(error: &dyn std::error::Error) -> String {
    let cause = error
        .source()
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    format!("{error}{cause}")
}
