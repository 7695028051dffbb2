//! Keywords about frames of HTTP/2 whose values have names (RFC 9113, sections 6, 6.5.2 and 7).

use super::{super::keyword_table::Context, Done, transaction_fields::push_field, value};
use crate::{
    model::{AppProtocol, HeaderField, NumberRange},
    source::{
        draft::RuleDraft,
        problem::Problem,
        syntax::{RuleOption, Word},
        values::number_range,
    },
};

/// Frame types by number.
const FRAME_TYPES: &[&str] = &[
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RSTSTREAM",
    "SETTINGS",
    "PUSHPROMISE",
    "PING",
    "GOAWAY",
    "WINDOWUPDATE",
    "CONTINUATION",
];

/// Error codes by number. The reference does not know the name of the third, `INTERNAL_ERROR`.
const ERROR_CODES: &[&str] = &[
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

const SETTINGS: &[(&str, HeaderField)] = &[
    (
        "SETTINGS_HEADER_TABLE_SIZE",
        HeaderField::Http2SettingHeaderTableSize,
    ),
    ("SETTINGS_ENABLE_PUSH", HeaderField::Http2SettingEnablePush),
    (
        "SETTINGS_MAX_CONCURRENT_STREAMS",
        HeaderField::Http2SettingMaxConcurrentStreams,
    ),
    (
        "SETTINGS_INITIAL_WINDOW_SIZE",
        HeaderField::Http2SettingInitialWindowSize,
    ),
    (
        "SETTINGS_MAX_FRAME_SIZE",
        HeaderField::Http2SettingMaxFrameSize,
    ),
    (
        "SETTINGS_MAX_HEADER_LIST_SIZE",
        HeaderField::Http2SettingMaxHeaderListSize,
    ),
];

/// A number up to `max`, or one of the names by number.
fn named(word: Word<'_>, names: &[&str], max: u64) -> Result<NumberRange, Problem> {
    let text = word.text().trim();
    let by_name = names
        .iter()
        .position(|name| !name.is_empty() && name.eq_ignore_ascii_case(text))
        .and_then(|at| u64::try_from(at).ok());
    let number = text.parse().ok().filter(|number| *number <= max);
    by_name
        .or(number)
        .map(|number| NumberRange {
            min: number,
            max: number,
            negated: false,
        })
        .ok_or_else(|| {
            let known: Vec<&str> = names
                .iter()
                .copied()
                .filter(|name| !name.is_empty())
                .collect();
            Problem::value(
                word.span(),
                format!("`{text}` is neither a number up to {max} nor a name of the protocol"),
            )
            .hint(format!("the names are {}", known.join(", ")))
        })
}

/// `http2.frametype:GOAWAY` or `:7`
pub(crate) fn frame_type(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let range = named(value(option), FRAME_TYPES, u8::MAX.into())?;
    push_field(
        rule,
        option,
        AppProtocol::Http2,
        HeaderField::Http2FrameType,
        range,
    )
}

/// `http2.errorcode:NO_ERROR` or `:0`
pub(crate) fn error_code(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let range = named(value(option), ERROR_CODES, u32::MAX.into())?;
    push_field(
        rule,
        option,
        AppProtocol::Http2,
        HeaderField::Http2ErrorCode,
        range,
    )
}

/// `http2.settings:SETTINGS_ENABLE_PUSH=0`, or the name alone where any value will do.
pub(crate) fn settings(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let name_bytes = word
        .bytes
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let (name, rest) = word.bytes.split_at(name_bytes);
    let Some((_, field)) = SETTINGS
        .iter()
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
    else {
        let known: Vec<&str> = SETTINGS.iter().map(|(known, _)| *known).collect();
        return Err(
            Problem::value(word.span(), "this is no setting of HTTP/2".to_owned())
                .hint(format!("the settings are {}", known.join(", "))),
        );
    };
    let skipped = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace() || **byte == b'=')
        .count();
    let range = Word {
        bytes: &rest[skipped..],
        start: word.start + name_bytes + skipped,
    };
    let range = if range.bytes.is_empty() {
        NumberRange {
            min: 0,
            max: u64::MAX,
            negated: false,
        }
    } else {
        number_range(range, u32::MAX.into())?
    };
    push_field(rule, option, AppProtocol::Http2, *field, range)
}
