//! `ssl_state`, and the dates of certificates.

use jiff::{civil::DateTime, tz::TimeZone};

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::RuleOption,
    },
};

/// States of the handshake by name, each with its number in [`HeaderField::TlsHandshakeState`]; 0 is none of them.
const STATES: [(&str, u64); 5] = [
    ("client_hello", 1),
    ("server_hello", 2),
    ("client_keyx", 3),
    ("server_keyx", 4),
    ("unknown", 5),
];

/// `ssl_state:client_hello|server_hello`, each perhaps behind `!`: the newest message of the handshake is one of these, or is
/// not one of those.
pub(crate) fn handshake_state(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    let word = value(option);
    let mut wanted = Vec::new();
    for item in word.text().split([',', '|']) {
        let item = item.trim();
        let (name, negated) = match item.strip_prefix('!') {
            Some(name) => (name, true),
            None => (item, false),
        };
        let Some((_, number)) = STATES.iter().find(|(known, _)| *known == name) else {
            return Err(Problem::value(
                word.span(),
                "a state is client_hello, server_hello, client_keyx, server_keyx or unknown",
            ));
        };
        wanted.push((*number, negated));
    }
    let holds = |state: u64| {
        wanted
            .iter()
            .any(|(number, negated)| (state == *number) != *negated)
    };
    let states = (0..=5).filter(|state| holds(*state));
    rule.imply(AppProtocol::Tls, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::FieldAnyOf(
            HeaderField::TlsHandshakeState,
            states.map(|state| (state, state)).collect(),
        )));
    Ok(())
}

/// `tls_cert_notbefore:1998-05-01<>2008-05-01`: dates with as many parts as are wanted, perhaps behind `<` or `>`.
pub(crate) fn certificate_date(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = value(option);
    let field = match context.keyword.name {
        "tls_cert_notbefore" => HeaderField::TlsCertificateNotBefore,
        _ => HeaderField::TlsCertificateNotAfter,
    };
    let range = range(word.text()).ok_or_else(|| {
        Problem::value(
            word.span(),
            "a date is as 1998-05-01 or 1998-05-01T10:00:00, and a range goes upwards",
        )
    })?;
    push_field(rule, option, AppProtocol::Tls, field, range)
}

/// Seconds since 1970 that a date, or a range of dates, stands for.
fn range(text: &str) -> Option<NumberRange> {
    let (min, max) = if let Some((first, last)) = text.split_once("<>") {
        (seconds(first.trim())?, seconds(last.trim())?)
    } else if let Some(date) = text.strip_prefix('<') {
        (0, seconds(date.trim())?)
    } else if let Some(date) = text.strip_prefix('>') {
        (seconds(date.trim())?, u64::MAX)
    } else {
        let date = seconds(text.trim())?;
        (date, date)
    };
    (min <= max).then_some(NumberRange {
        min,
        max,
        negated: false,
    })
}

/// Year, month, day, hour, minute and second, of which the last may be missing, in UTC; before 1970 it is 0. As in the reference, a
/// number alone is no year, but seconds.
fn seconds(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mut parts = [0_i16, 1, 1, 0, 0, 0];
    let words = text
        .split(['-', 'T', ' ', ':'])
        .filter(|word| !word.is_empty());
    let mut count = 0;
    for word in words {
        *parts.get_mut(count)? = word.parse().ok()?;
        count += 1;
    }
    if count == 0 {
        return None;
    }
    let [year, month, day, hour, minute, second] = parts;
    let small = |part: i16| i8::try_from(part).ok();
    let date = DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let time = TimeZone::UTC.to_timestamp(date.ok()?).ok()?.as_second();
    Some(u64::try_from(time).unwrap_or(0))
}

/// `tls_cert_expired`, `tls_cert_valid`: the end of the certificate's validity lies before the packet, or not.
pub(crate) fn certificate_validity(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    rule.imply(AppProtocol::Tls, option.name.text(), &option.name.span())?;
    rule.traits.transaction = true;
    rule.conditions.push(ConditionDraft::Plain(
        PacketCondition::CertificateValidity {
            is_expired: context.keyword.name == "tls_cert_expired",
        },
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_as_many_parts_as_are_wanted() {
        assert_eq!(seconds("1998"), Some(1998));
        assert_eq!(seconds("1998-01"), Some(883_612_800));
        assert_eq!(seconds("1998-05-01T10:30:00"), Some(894_018_600));
        assert!(seconds("1998-05") < seconds("1998-05-02"));
        for wrong in ["", "foo", "1998-13-01", "=1998", "1-1-1-1-1-1-1"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(range("2000-01<>1999-12"), None);
        assert!(range("< 1999-01").unwrap().contains(883_612_800));
    }
}
