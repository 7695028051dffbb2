//! Limits of a rule's alerts, as items of a program.
//!
//! | tag | limit | fields |
//! |---|---|---|
//! | 0, 1, 2, 3 | threshold of that kind | track, count, seconds |
//! | 4 | suppress | track (0 source, 1 destination, 2 either), address set |
//! | 5 | rate filter | track, count, seconds, action (as in a rule's record), time-out in seconds |

use super::{
    super::bytes::{Cursor, Decoded, Malformed, put_number},
    Encoder, Item, Numbered, Tables,
};
use crate::model::{
    Action, AddressSetId, AlertLimit, RateFilter, SuppressBy, Threshold, ThresholdKind, TrackBy,
};

const SUPPRESS: u8 = 4;
const RATE_FILTER: u8 = 5;

impl<'a> Item<'a> for AlertLimit {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        let out = &mut encoder.out;
        match self {
            Self::Threshold(threshold) => {
                out.extend_from_slice(&[threshold.kind as u8, threshold.track as u8]);
                put_number(out, u64::from(threshold.count));
                put_number(out, u64::from(threshold.seconds));
            }
            Self::Suppress { track, addresses } => {
                out.extend_from_slice(&[SUPPRESS, *track as u8]);
                put_number(out, u64::from(addresses.0));
            }
            Self::RateFilter(filter) => {
                out.extend_from_slice(&[RATE_FILTER, filter.track as u8]);
                put_number(out, u64::from(filter.count));
                put_number(out, u64::from(filter.seconds));
                out.push(filter.action as u8);
                put_number(out, u64::from(filter.timeout_seconds));
            }
        }
    }

    fn decode(cursor: &mut Cursor<'a>, tables: &Tables<'a>) -> Decoded<Self> {
        let kind = match cursor.byte()? {
            0 => ThresholdKind::Limit,
            1 => ThresholdKind::Threshold,
            2 => ThresholdKind::Both,
            3 => ThresholdKind::DetectionFilter,
            SUPPRESS => return suppress(cursor, tables),
            RATE_FILTER => return rate_filter(cursor),
            _ => return Err(Malformed("a program has a limit of unknown kind")),
        };
        Ok(Self::Threshold(Threshold {
            kind,
            track: track_by(cursor)?,
            count: cursor.number_u32()?,
            seconds: cursor.number_u32()?,
        }))
    }
}

fn suppress(cursor: &mut Cursor<'_>, tables: &Tables<'_>) -> Decoded<AlertLimit> {
    let track = match cursor.byte()? {
        0 => SuppressBy::Source,
        1 => SuppressBy::Destination,
        2 => SuppressBy::Either,
        _ => return Err(Malformed("a suppression looks at an unknown end")),
    };
    let set = tables.index(
        Numbered::AddressSet,
        cursor.number_u32()?,
        "a suppression names an address set that does not exist",
    )?;
    Ok(AlertLimit::Suppress {
        track,
        addresses: AddressSetId(set),
    })
}

fn rate_filter(cursor: &mut Cursor<'_>) -> Decoded<AlertLimit> {
    Ok(AlertLimit::RateFilter(RateFilter {
        track: track_by(cursor)?,
        count: cursor.number_u32()?,
        seconds: cursor.number_u32()?,
        action: match cursor.byte()? {
            0 => Action::Alert,
            1 => Action::Pass,
            2 => Action::Drop,
            3 => Action::Reject,
            _ => return Err(Malformed("a rate filter has an unknown action")),
        },
        timeout_seconds: cursor.number_u32()?,
    }))
}

fn track_by(cursor: &mut Cursor<'_>) -> Decoded<TrackBy> {
    Ok(match cursor.byte()? {
        0 => TrackBy::Source,
        1 => TrackBy::Destination,
        2 => TrackBy::Both,
        3 => TrackBy::Rule,
        4 => TrackBy::Flow,
        _ => return Err(Malformed("a limit is counted by an unknown thing")),
    })
}
