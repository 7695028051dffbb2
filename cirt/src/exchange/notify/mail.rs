//! One mail to one recipient: text in its language, CSV, XARF; signed and encrypted where its key is on file.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Message, address::AddressError};

use lapwing_wire::DisclosedAddress;

use super::texts::texts;
use super::xarf;
use crate::exchange::limits::{MAIL_LINES, MAIL_REPORTS};
use crate::exchange::openpgp::{self, OpenPgpError};
use crate::exchange::{Producer, Released, Shareable as _, SharedFinding, csv};
use crate::store::Contact;

/// Why a mail cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("{0:?} is no mail address")]
    Address(String, #[source] AddressError),
    #[error("the mail cannot be put together")]
    Compose(#[from] lettre::error::Error),
    #[error("the CSV cannot be written")]
    Csv(#[from] ::csv::Error),
    #[error(transparent)]
    OpenPgp(#[from] OpenPgpError),
}

/// What a mail is made of.
pub struct Notice<'a> {
    pub producer: &'a Producer,
    pub contact: &'a Contact,
    pub released: &'a Released<SharedFinding>,
    /// Findings of ends that were gone and are back.
    pub relapsed: &'a [String],
    /// Unique, without angle brackets.
    pub message_id: &'a str,
}

/// Makes the mail.
///
/// # Errors
/// When an address is none, or the recipient's key cannot be used: then nothing is sent in clear instead.
pub fn compose(notice: &Notice<'_>) -> Result<Message, MailError> {
    let settings = &notice.producer.settings;
    let words = texts(&notice.contact.language);
    let fill = |text: &str| {
        text.replace("{organisation}", &settings.organisation)
            .replace("{count}", &notice.released.items().len().to_string())
            .replace("{label}", notice.released.tlp().label())
    };
    let builder = Message::builder()
        .from(mailbox(&settings.contact, Some(&settings.organisation))?)
        .to(mailbox(&notice.contact.email, None)?)
        .subject(fill(words.subject))
        .message_id(Some(format!("<{}>", notice.message_id)));
    let whole = content(notice, &fill)?;
    let Some(key) = &notice.contact.openpgp else {
        return Ok(builder.multipart(whole)?);
    };
    let secret = openpgp::encrypt(
        &settings.openpgp_home,
        &settings.contact,
        key,
        &whole.formatted(),
    )?;
    // RFC 3156, section 4: the version, then the message.
    let encrypted = MultiPart::encrypted("application/pgp-encrypted".to_owned())
        .singlepart(
            SinglePart::builder()
                .header(plain("application/pgp-encrypted"))
                .body("Version: 1\r\n".to_owned()),
        )
        .singlepart(
            SinglePart::builder()
                .header(plain("application/octet-stream"))
                .body(secret),
        );
    Ok(builder.multipart(encrypted)?)
}

fn content(notice: &Notice<'_>, fill: &dyn Fn(&str) -> String) -> Result<MultiPart, MailError> {
    let words = texts(&notice.contact.language);
    let findings = notice.released.items();
    let mut lines = vec![
        words.greeting.to_owned(),
        String::new(),
        fill(words.intro),
        String::new(),
    ];
    let is_back =
        |finding: &&SharedFinding| notice.relapsed.iter().any(|id| id == finding.subject());
    let fresh = findings.iter().filter(|finding| !is_back(finding));
    lines.extend(fresh.take(MAIL_LINES).map(line));
    let back: Vec<&SharedFinding> = findings.iter().filter(is_back).collect();
    if !back.is_empty() {
        lines.extend([String::new(), words.relapsed.to_owned()]);
        lines.extend(back.into_iter().take(MAIL_LINES).map(line));
    }
    let is_hidden = |finding: &SharedFinding| {
        let own = finding.own_end();
        own.is_some_and(|end| !matches!(end.address, DisclosedAddress::Clear(_)))
    };
    if findings.iter().any(is_hidden) {
        lines.extend([String::new(), words.hidden.to_owned()]);
    }
    for text in [words.request, words.attached] {
        lines.extend([String::new(), text.to_owned()]);
    }
    lines.extend([
        String::new(),
        fill(words.label),
        String::new(),
        notice.producer.settings.organisation.clone(),
    ]);
    let mut whole = MultiPart::mixed()
        .singlepart(SinglePart::plain(lines.join("\r\n")))
        .singlepart(Attachment::new("findings.csv".to_owned()).body(
            csv::findings(notice.released)?,
            plain("text/csv; charset=utf-8"),
        ));
    for report in xarf::reports(notice.producer, notice.released)
        .into_iter()
        .take(MAIL_REPORTS)
    {
        let name = format!(
            "xarf-{}.json",
            report["report_id"].as_str().unwrap_or_default()
        );
        whole = whole
            .singlepart(Attachment::new(name).body(report.to_string(), plain("application/json")));
    }
    Ok(whole)
}

/// A finding in one line.
fn line(finding: &SharedFinding) -> String {
    let row = finding.row();
    let end = |address: Option<std::net::IpAddr>, port: Option<u16>| {
        let address = address.map_or_else(|| "—".to_owned(), |address| address.to_string());
        port.map_or_else(|| address.clone(), |port| format!("{address} port {port}"))
    };
    format!(
        "{}  {} -> {}  {}× {}",
        row.last,
        end(finding.source(), row.source.port),
        end(finding.destination(), row.destination.port),
        row.hits,
        row.title()
    )
}

fn mailbox(address: &str, name: Option<&str>) -> Result<Mailbox, MailError> {
    let parsed = address
        .parse()
        .map_err(|error| MailError::Address(address.to_owned(), error))?;
    Ok(Mailbox::new(name.map(str::to_owned), parsed))
}

/// A media type that is written here and therefore is one.
fn plain(kind: &str) -> ContentType {
    ContentType::parse(kind).unwrap_or(ContentType::TEXT_PLAIN)
}
