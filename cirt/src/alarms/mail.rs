//! An alarm as mail, by the mail server of the exchange and in its name.

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::{Message as Mail, Transport as _};

use crate::exchange::Producer;
use crate::exchange::notify::SendError;
use crate::store::DueMessage;

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum AlarmMailError {
    #[error("there is no mail server: write [mail] into exchange.toml, see docs/exchange.md")]
    NoServer,
    #[error("{0:?} is no mail address")]
    Address(String),
    #[error("the mail cannot be put together")]
    Compose(#[from] lettre::error::Error),
    #[error("the mail server cannot be used")]
    Server(#[from] SendError),
    #[error("the mail server did not take it")]
    Refused(#[from] lettre::transport::smtp::Error),
}

/// Whether a text is an address that a mail can go to.
///
/// # Errors
/// When it is none.
pub fn test_address(address: &str) -> Result<(), AlarmMailError> {
    mailbox(address).map(drop)
}

fn mailbox(address: &str) -> Result<Mailbox, AlarmMailError> {
    address
        .parse()
        .map(|address| Mailbox::new(None, address))
        .map_err(|_| AlarmMailError::Address(address.to_owned()))
}

/// Sends one message; TLS or nothing. Its id goes along as `Message-ID`, the same at every attempt.
pub(super) fn send(
    producer: Option<&Producer>,
    message: &DueMessage,
) -> Result<(), AlarmMailError> {
    let (producer, server) = producer
        .and_then(|producer| Some((producer, producer.settings.mail.as_ref()?)))
        .ok_or(AlarmMailError::NoServer)?;
    let settings = &producer.settings;
    let domain = settings.contact.rsplit('@').next().unwrap_or_default();
    let mut from = mailbox(&settings.contact)?;
    from.name = Some(settings.organisation.clone());
    let mail = Mail::builder()
        .from(from)
        .to(mailbox(&message.target.address)?)
        .subject(message.subject.clone())
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        // RFC 3834: so that no program answers.
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.clone())?;
    server.transport()?.send(&mail)?;
    Ok(())
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
