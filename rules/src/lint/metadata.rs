//! Lints about what is written about a rule.

use super::{
    Report, lint,
    subject::{Subject, whole},
};
use crate::source::values;

lint! {
    /// A rule without a message.
    ///
    /// The message is what an analyst reads first; without it an alert is a number.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"MALWARE Evil second stage requested"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    MISSING_MESSAGE = "missing-message", Metadata, Warning, Rule(missing_message)
}

fn missing_message(subject: &Subject<'_>, report: &mut Report) {
    if subject.rule.message.trim().is_empty() {
        report.say(
            subject.span("msg"),
            "the rule has no message",
            "say in `msg` what was seen",
        );
    }
}

lint! {
    /// A rule without a class.
    ///
    /// The class gives an alert its category and its priority; without both it has priority 3.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; classtype:trojan-activity; sid:1;)
    /// ```
    MISSING_CLASS_TYPE = "missing-class-type", Metadata, Note, Rule(missing_class_type)
}

fn missing_class_type(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    if rule.class_type.is_empty() && rule.severity.is_none() && !rule.no_alert {
        report.say(
            subject.syntax.header_span(),
            "the rule has neither class nor priority, so its alerts have priority 3",
            "add a `classtype`",
        );
    }
}

lint! {
    /// A rule without a reference.
    ///
    /// Who reads the alert wants to know what it is about and how it was found out.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; reference:url,cert.example/advisory/7; sid:1;)
    /// ```
    MISSING_REFERENCE = "missing-reference", Metadata, Note, Rule(missing_reference)
}

fn missing_reference(subject: &Subject<'_>, report: &mut Report) {
    if subject.rule.references.is_empty() && !subject.rule.no_alert {
        report.say(
            subject.syntax.header_span(),
            "the rule names no reference",
            "add reference:url,…; or another",
        );
    }
}

lint! {
    /// A rule without a revision.
    ///
    /// The revision tells one version of a rule from the next; `lapwing rules diff` and the replacement of older rules go by it.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1; rev:1;)
    /// ```
    MISSING_REVISION = "missing-revision", Metadata, Note, Rule(missing_revision)
}

fn missing_revision(subject: &Subject<'_>, report: &mut Report) {
    if subject.rule.id.rev == 0 {
        report.say(
            subject.span("sid"),
            "the rule has no revision",
            "write rev:1; and count up with each change",
        );
    }
}

lint! {
    /// A message that is hard to read in a list.
    ///
    /// White space at its ends or doubled inside, control characters, more than 200 characters, or all in capital letters.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:" evil  second stage "; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"MALWARE Evil second stage requested"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    MESSAGE_STYLE = "message-style", Metadata, Note, Rule(message_style)
}

const MESSAGE_CHARACTERS: usize = 200;

fn message_style(subject: &Subject<'_>, report: &mut Report) {
    let message = subject.rule.message.as_str();
    let letters = || {
        message
            .chars()
            .filter(|character| character.is_alphabetic())
    };
    let fault = if message.trim() != message {
        "has white space at its ends"
    } else if message.contains("  ") {
        "has doubled white space"
    } else if message.chars().any(char::is_control) || message.contains('\u{fffd}') {
        "has characters that cannot be shown"
    } else if message.chars().count() > MESSAGE_CHARACTERS {
        "is longer than 200 characters"
    } else if letters().count() > 20 && letters().all(char::is_uppercase) {
        "is all in capital letters"
    } else {
        return;
    };
    report.say(
        subject.span("msg"),
        format!("the message {fault}"),
        "write what an analyst reads at a glance",
    );
}

lint! {
    /// A date in the metadata that is no date, or a change before the making.
    ///
    /// `created_at` and `updated_at` are written `YYYY_MM_DD`. Programs sort rules by them.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; metadata:created_at 2025_03_10, updated_at 2024_01_01; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; metadata:created_at 2025_03_10, updated_at 2025_04_01; sid:1;)
    /// ```
    METADATA_DATE = "metadata-date", Metadata, Warning, Rule(metadata_date)
}

/// Year, month and day of `YYYY_MM_DD` or `YYYY-MM-DD`, perhaps with a time behind.
fn date(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.get(..10)?.split(['_', '-']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

fn metadata_date(subject: &Subject<'_>, report: &mut Report) {
    let value = |name: &str| {
        subject
            .rule
            .metadata
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    for name in ["created_at", "updated_at"] {
        if let Some(text) = value(name)
            && date(text).is_none()
        {
            report.say(
                subject.span("metadata"),
                format!("`{name} {text}` is no date"),
                "write YYYY_MM_DD",
            );
        }
    }
    let made = value("created_at").and_then(date);
    let changed = value("updated_at").and_then(date);
    if let (Some(made), Some(changed)) = (made, changed)
        && changed < made
    {
        report.say(
            subject.span("metadata"),
            "the rule was changed before it was made",
            "let `updated_at` be the later of the two",
        );
    }
}

lint! {
    /// An item of the metadata that is no `key value`.
    ///
    /// Programs that read the metadata find a key without a value, or none at all.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; metadata:reviewed, created_at 2025_03_10; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; metadata:reviewed yes, created_at 2025_03_10; sid:1;)
    /// ```
    METADATA_SHAPE = "metadata-shape", Metadata, Note, Rule(metadata_shape)
}

fn metadata_shape(subject: &Subject<'_>, report: &mut Report) {
    for option in subject.options("metadata") {
        let Some(value) = option.value else { continue };
        for item in values::list(value) {
            let (key, note) = values::split_space(item);
            if key.bytes.is_empty() || note.bytes.is_empty() {
                let span = if item.bytes.is_empty() {
                    whole(option)
                } else {
                    item.span()
                };
                report.say(
                    span,
                    "an item of the metadata is a key and a value",
                    "write key value, key value",
                );
            }
        }
    }
}

lint! {
    /// A reference that is not written as its system wants it.
    ///
    /// What stands behind the comma is put behind the system's prefix. With `http://` written again the link leads nowhere, and a
    /// number that is none finds nothing.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; reference:url,http://cert.example/7; reference:cve,21-44228; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; reference:url,cert.example/7; reference:cve,2021-44228; sid:1;)
    /// ```
    REFERENCE_FORM = "reference-form", Metadata, Warning, Rule(reference_form)
}

/// `2021-44228`, also with its usual prefix.
fn is_cve(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("cve-")
        .unwrap_or(text)
        .split_once('-')
        .is_some_and(|(year, number)| {
            year.len() == 4 && number.len() >= 4 && digits(year) && digits(number)
        })
}

fn reference_form(subject: &Subject<'_>, report: &mut Report) {
    for option in subject.options("reference") {
        let Some(value) = option.value else { continue };
        let Some((system, target)) = value.text().split_once(',') else {
            continue;
        };
        let target = target.trim();
        let lower = target.to_ascii_lowercase();
        let (fault, hint) = match system.trim().to_ascii_lowercase().as_str() {
            _ if target.is_empty() => ("the reference names nothing", "name it, or leave it out"),
            "url" if lower.starts_with("http://") || lower.starts_with("https://") => (
                "the prefix `http://` is put before it once more",
                "write the address without it",
            ),
            "cve" if !is_cve(&lower) => ("a CVE is a year and a number", "write it as 2021-44228"),
            "md5" if target.len() != 32 || !target.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                (
                    "an MD5 has 32 hexadecimal digits",
                    "look for what was cut off",
                )
            }
            _ => continue,
        };
        report.say(value.span(), fault, hint);
    }
}
