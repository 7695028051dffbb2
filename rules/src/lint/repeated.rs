//! Lints about rules that stand in a run more than once under different numbers.

use std::collections::BTreeMap;

use super::{
    Report, lint,
    subject::{Subject, Subjects},
};
use crate::source::keyword_table;

/// What a rule does, without what is only said about it.
fn essence(subject: &Subject<'_>) -> Vec<u8> {
    let syntax = &subject.syntax;
    let mut essence = Vec::new();
    for word in [
        syntax.action,
        syntax.protocol,
        syntax.source,
        syntax.source_port,
        syntax.arrow,
        syntax.destination,
        syntax.destination_port,
    ] {
        essence.extend_from_slice(word.bytes);
        essence.push(b' ');
    }
    for option in &syntax.options {
        let name = option.name.text();
        let name = keyword_table::find(name).map_or(name, |keyword| keyword.name);
        if matches!(
            name,
            "msg"
                | "sid"
                | "gid"
                | "rev"
                | "classtype"
                | "priority"
                | "reference"
                | "metadata"
                | "target"
                | "fast_pattern"
        ) {
            continue;
        }
        essence.extend_from_slice(name.as_bytes());
        essence.push(b':');
        if let Some(value) = option.value {
            essence.extend_from_slice(value.bytes);
        }
        essence.push(b';');
    }
    essence
}

lint! {
    /// Two rules look for the same thing under different numbers.
    ///
    /// Header and options are the same but for message, number, class and notes, so whatever fires one fires the other: two
    /// alerts for one event, and twice the work.
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"one"; dns.query; content:"evil.example"; nocase; bsize:12; sid:1;)
    /// alert dns any any -> any any (msg:"two"; dns.query; content:"evil.example"; nocase; bsize:12; sid:2;)
    /// ```
    ///
    /// Keep one of them:
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"one"; dns.query; content:"evil.example"; nocase; bsize:12; sid:1;)
    /// ```
    SAME_RULE_TWICE = "same-rule-twice", Correctness, Warning, Rules(same_rule_twice)
}

fn same_rule_twice(subjects: &Subjects<'_>, report: &mut Report) {
    let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for (index, subject) in subjects.rules.iter().enumerate() {
        let sid = subject.rule.id.sid;
        let first = *seen.entry(essence(subject)).or_insert(sid);
        if first != sid {
            report.say_of(
                index,
                subject.span("sid"),
                format!("sid {first} looks for the same thing"),
                "keep one of the two",
            );
        }
    }
}

lint! {
    /// Two rules have the same message.
    ///
    /// In a list of alerts they cannot be told apart but by number.
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"listed domain"; dns.query; content:"evil.example"; nocase; bsize:12; sid:1;)
    /// alert dns any any -> any any (msg:"listed domain"; dns.query; content:"bad.example"; nocase; bsize:11; sid:2;)
    /// ```
    ///
    /// Say what is different:
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"listed domain evil.example"; dns.query; content:"evil.example"; nocase; bsize:12; sid:1;)
    /// alert dns any any -> any any (msg:"listed domain bad.example"; dns.query; content:"bad.example"; nocase; bsize:11; sid:2;)
    /// ```
    SAME_MESSAGE_TWICE = "same-message-twice", Metadata, Note, Rules(same_message_twice)
}

fn same_message_twice(subjects: &Subjects<'_>, report: &mut Report) {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for (index, subject) in subjects.rules.iter().enumerate() {
        let sid = subject.rule.id.sid;
        let message = subject.rule.message.as_str();
        if message.is_empty() || subject.rule.no_alert {
            continue;
        }
        let first = *seen.entry(message).or_insert(sid);
        if first != sid {
            report.say_of(
                index,
                subject.span("msg"),
                format!("sid {first} has the same message"),
                "say in the message what is different",
            );
        }
    }
}
