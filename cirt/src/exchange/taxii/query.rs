//! What a client asks for: section 3.4 (filters) and 3.5 (pages) of the standard.

use jiff::Timestamp;

use crate::exchange::limits::{TAXII_FILTER_VALUES, TAXII_PAGE_OBJECTS};
use crate::store::{ObjectQuery, VersionMatch};

/// Reads the parameters of a request for objects, manifests or versions.
///
/// # Errors
/// What is wrong with them, in one line.
pub(super) fn parse(
    collection: &str,
    parameters: &[(String, String)],
) -> Result<ObjectQuery, String> {
    let mut query = ObjectQuery {
        collection: collection.to_owned(),
        limit: TAXII_PAGE_OBJECTS,
        ..ObjectQuery::default()
    };
    let mut next = None;
    for (key, value) in parameters {
        match key.as_str() {
            "added_after" => query.after_microseconds = Some(microseconds(key, value)?),
            "limit" => {
                let limit: usize = value
                    .parse()
                    .map_err(|_| format!("limit: {value:?} is no number from 1 on"))?;
                // A client that adapts its limit to the last page asks for none after an empty one.
                if limit > 0 {
                    query.limit = limit.min(TAXII_PAGE_OBJECTS);
                }
            }
            "next" => {
                let place: i64 = value
                    .parse()
                    .map_err(|_| "next: that is none of ours".to_owned())?;
                next = Some(place);
            }
            "match[id]" => query.ids = list(key, value)?,
            "match[type]" => query.types = list(key, value)?,
            "match[spec_version]" => query.spec_versions = list(key, value)?,
            "match[version]" => {
                query.versions = list(key, value)?
                    .iter()
                    .map(|word| match word.as_str() {
                        "first" => Ok(VersionMatch::First),
                        "last" => Ok(VersionMatch::Last),
                        "all" => Ok(VersionMatch::All),
                        time => microseconds(key, time).map(VersionMatch::Exactly),
                    })
                    .collect::<Result<_, _>>()?;
            }
            // A filter that is not understood must not widen the answer (section 3.4).
            other if other.starts_with("match[") => {
                return Err(format!("{other}: there is no such filter"));
            }
            _ => {}
        }
    }
    query.after_microseconds = query.after_microseconds.max(next);
    Ok(query)
}

fn microseconds(key: &str, text: &str) -> Result<i64, String> {
    let time: Timestamp = text
        .parse()
        .map_err(|_| format!("{key}: {text:?} is no time, as 2026-05-01T12:00:00.000000Z"))?;
    Ok(time.as_microsecond())
}

fn list(key: &str, text: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = text
        .split(',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words.len() > TAXII_FILTER_VALUES {
        return Err(format!("{key}: more than {TAXII_FILTER_VALUES} values"));
    }
    Ok(words)
}

/// A place as the standard writes times: six digits after the second.
pub(super) fn shown(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds).map_or_else(
        |_| "1970-01-01T00:00:00.000000Z".to_owned(),
        |time| format!("{time:.6}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<ObjectQuery, String> {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        parse("c", &pairs)
    }

    #[test]
    fn filters_are_read_and_bounded() {
        let read = query(&[
            ("added_after", "2026-05-01T12:00:00.000001Z"),
            ("limit", "1000000"),
            ("match[type]", "indicator,sighting"),
            ("match[version]", "first,2026-05-01T12:00:00Z"),
            ("unknown", "passes"),
        ])
        .unwrap();
        assert_eq!(read.limit, TAXII_PAGE_OBJECTS);
        assert_eq!(
            shown(read.after_microseconds.unwrap()),
            "2026-05-01T12:00:00.000001Z"
        );
        assert_eq!(read.types, ["indicator", "sighting"]);
        assert_eq!(read.versions[0], VersionMatch::First);
        for bad in [
            ("added_after", "yesterday"),
            ("limit", "-1"),
            ("next", "x"),
            ("match[version]", "newest"),
            ("match[colour]", "red"),
        ] {
            assert!(query(&[bad]).is_err(), "{bad:?}");
        }
        assert!(query(&[("match[id]", &"x,".repeat(TAXII_FILTER_VALUES + 1))]).is_err());
    }

    #[test]
    fn a_page_goes_on_behind_the_later_of_two_places() {
        let read = query(&[("added_after", "1970-01-01T00:00:01Z"), ("next", "2000000")]).unwrap();
        assert_eq!(read.after_microseconds, Some(2_000_000));
    }
}
