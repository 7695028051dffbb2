//! Keywords of WebSocket that compare numbers of a frame's header (RFC 6455, section 5.2).

use super::{
    super::keyword_table::Context, Done, enumeration::named_range, mqtt::with_flags,
    transaction_fields::push_field, value,
};
use crate::{
    model::{AppProtocol, HeaderField, PacketCondition},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word, trimmed},
        values::{integer, number_range},
    },
};

const OPCODES: &[(&str, u64)] = &[
    ("continuation", 0),
    ("text", 1),
    ("binary", 2),
    ("close", 8),
    ("ping", 9),
    ("pong", 10),
];

/// Flags of a frame's first byte; `comp` says that the message is compressed (RFC 7692).
const FLAGS: [(&str, u8); 2] = [("fin", 0x80), ("comp", 0x40)];

/// `websocket.opcode:ping`
pub(crate) fn opcode(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let range = named_range(value(option), OPCODES, u64::from(u8::MAX))?;
    let field = HeaderField::WebsocketOpcode;
    push_field(rule, option, AppProtocol::Websocket, field, range)
}

/// `websocket.flags:fin,!comp`, `websocket.flags:&0x40=0x40`, `websocket.flags:128`
pub(crate) fn flags(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let names_flags = word.bytes.iter().any(u8::is_ascii_alphabetic) && !word.bytes.contains(&b'&');
    let bytes = if word.bytes.first() == Some(&b'&') {
        with_mask(word)?
    } else if names_flags {
        with_flags(word, &FLAGS)?
    } else {
        let range = number_range(word, u64::from(u8::MAX))?;
        let field = HeaderField::WebsocketFlags;
        return push_field(rule, option, AppProtocol::Websocket, field, range);
    };
    rule.imply(
        AppProtocol::Websocket,
        option.name.text(),
        &option.name.span(),
    )?;
    rule.traits.transaction = true;
    let condition = PacketCondition::FieldAnyOf(HeaderField::WebsocketFlags, bytes);
    rule.conditions.push(ConditionDraft::Plain(condition));
    Ok(())
}

/// The bytes of which `&mask=value` or `&mask!=value` holds, as ranges.
fn with_mask(word: Word<'_>) -> Result<Vec<(u64, u64)>, Problem> {
    let wrong = || {
        Problem::value(
            word.span(),
            "a mask is compared as `&0x40=0x40` or `&0x40!=0`",
        )
    };
    let equals = memchr::memchr(b'=', word.bytes).ok_or_else(wrong)?;
    let is_negated = word.bytes[..equals].ends_with(b"!");
    let byte = |range| {
        let part = Word {
            start: word.start,
            ..trimmed(word.bytes, range)
        };
        integer(part)
            .and_then(|number| u8::try_from(number).ok())
            .ok_or_else(wrong)
    };
    let mask = byte(1..equals - usize::from(is_negated))?;
    let wanted = byte(equals + 1..word.bytes.len())?;
    let holds = |byte: &u8| (byte & mask == wanted) != is_negated;
    let each = (0..=u8::MAX).filter(holds).map(u64::from);
    Ok(each.map(|byte| (byte, byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_the_bytes_they_fit() {
        let fits = |text: &str, byte: u64| {
            let word = Word {
                bytes: text.as_bytes(),
                start: 0,
            };
            with_mask(word)
                .ok()
                .map(|bytes| bytes.contains(&(byte, byte)))
        };
        assert_eq!(fits("&0x40=0x40", 0xc0), Some(true));
        assert_eq!(fits("&0x40=0x40", 0x80), Some(false));
        assert_eq!(fits("& 64 != 0", 0xc0), Some(true));
        assert_eq!(fits("&0x40!=0", 0x80), Some(false));
        for wrong in ["&64", "&=4", "&x=4", "&300=4", "&4="] {
            assert_eq!(fits(wrong, 0), None, "{wrong}");
        }
    }
}
