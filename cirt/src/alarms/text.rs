//! What a message says: one line an event, in the target's language; the same as JSON for programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::AlarmEvent;
use crate::language::{Argument, Texts};
use crate::limits::{ALARM_EVENTS_LISTED, ALARM_LINES};

/// A message as it is written down before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    /// Text of a mail, or the JSON of a webhook.
    pub body: String,
}

/// Writes the message of some events; `id` is its own for ever.
#[must_use]
pub fn compose(
    is_mail: bool,
    id: &str,
    centre: &str,
    events: &[AlarmEvent],
    texts: &Texts,
    now: Timestamp,
) -> Message {
    let mut lines: Vec<String> = events
        .iter()
        .take(ALARM_LINES)
        .map(|event| line(event, texts))
        .collect();
    let count = events.len() as u64;
    let first = lines.first().cloned().unwrap_or_default();
    let subject = if count == 1 {
        format!("[{centre}] {first}")
    } else {
        let many = texts.fill("alarms-count", &[("count", Argument::Number(count))]);
        format!("[{centre}] {many}: {first}")
    };
    let rest = events.len().saturating_sub(ALARM_LINES) as u64;
    if rest > 0 {
        lines.push(texts.fill("alarms-more", &[("count", Argument::Number(rest))]));
    }
    let body = if is_mail {
        lines.push(String::new());
        lines.push(texts.get("alarms-look"));
        lines.join("\r\n")
    } else {
        let listed: Vec<Value> = events
            .iter()
            .take(ALARM_EVENTS_LISTED)
            .map(|event| {
                let mut value = json!(event);
                value["path"] = event.path().into();
                value
            })
            .collect();
        json!({
            "id": id,
            "centre": centre,
            "made": now.to_string(),
            "text": format!("{subject}\n{}", lines.join("\n")),
            "count": count,
            "more": events.len().saturating_sub(listed.len()),
            "events": listed,
        })
        .to_string()
    };
    Message {
        subject: one_line(&subject),
        body,
    }
}

/// One event in one line.
fn line(event: &AlarmEvent, texts: &Texts) -> String {
    let counted = |key: &str, count: u64| texts.fill(key, &[("count", Argument::Number(count))]);
    let said = match event {
        AlarmEvent::Group {
            rule,
            message,
            tier,
            findings,
            sensors,
            ..
        } => format!(
            "{}: {} · {} · {}",
            texts.get(&format!("tier-{tier}")),
            message.as_deref().unwrap_or(rule),
            counted("findings-count", *findings),
            counted("sensors-count", *sensors)
        ),
        AlarmEvent::Sensor {
            sensor,
            condition,
            cause,
            number,
            ..
        } => format!(
            "{sensor}: {} · {}",
            texts.get(&format!("condition-{condition}")),
            counted(cause, *number)
        ),
        AlarmEvent::Batch {
            sensor,
            trouble,
            detail,
            ..
        } => format!("{}: {trouble} · {detail}", sensor.as_deref().unwrap_or("–")),
        AlarmEvent::Test { by } => texts.fill("alarms-test", &[("value", by.as_str().into())]),
    };
    one_line(&format!("{said} · {}", event.path()))
}

/// Without control characters and no longer than a line may be: what a rule's author wrote cannot make a header.
fn one_line(text: &str) -> String {
    const CHARS: usize = 300;
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn event(number: i64) -> AlarmEvent {
        AlarmEvent::Group {
            group: number,
            rule: format!("1:{number}"),
            message: Some(format!("BOT\r\nBcc: {number}")),
            tier: "infection".to_owned(),
            severity: "high".to_owned(),
            reasons: Vec::new(),
            findings: 2,
            sensors: 1,
            providers: 1,
            reopened: 0,
            first: String::new(),
            last: String::new(),
        }
    }

    #[test]
    fn many_events_are_one_message_that_counts_the_rest() {
        let texts = Texts::of(Language::English);
        let one = compose(true, "x", "cirt", &[event(7)], texts, Timestamp::UNIX_EPOCH);
        assert_eq!(
            one.subject,
            "[cirt] Infected subscribers calling out: BOT  Bcc: 7 · 2 findings · 1 sensor · /groups/7"
        );
        let events: Vec<AlarmEvent> = (0..22).map(event).collect();
        let many = compose(true, "x", "cirt", &events, texts, Timestamp::UNIX_EPOCH);
        assert!(
            many.subject.starts_with("[cirt] 22 alarms: "),
            "{}",
            many.subject
        );
        assert!(many.body.contains("12 more of these"), "{}", many.body);
        let hook = compose(false, "x", "cirt", &events, texts, Timestamp::UNIX_EPOCH);
        let body: Value = serde_json::from_str(&hook.body).unwrap();
        assert_eq!((&body["count"], &body["more"]), (&json!(22), &json!(0)));
        assert_eq!(body["events"][3]["path"], "/groups/3");
        for language in Language::ALL {
            let told = compose(
                true,
                "x",
                "cirt",
                &events,
                Texts::of(language),
                Timestamp::UNIX_EPOCH,
            );
            assert!(!told.body.contains("alarms-"), "{language}: {}", told.body);
        }
    }
}
