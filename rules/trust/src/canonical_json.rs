//! One spelling for each JSON value, so that a signature covers the meaning: OLPC canonical
//! JSON, the form that TUF 1.0 signs.
//!
//! Object keys sorted by their UTF-8 bytes; no white space; in strings only `"` and `\` are
//! escaped, everything else stands as it is, line ends and other control characters too (so the
//! form is for signing, and not always JSON that a parser takes); numbers are 64-bit integers
//! without sign or with `-`. Fractions are refused: they have no one spelling.
//!
//! Source: <http://wiki.laptop.org/go/Canonical_JSON>, TUF specification 1.0, section 4.2.

use serde_json::Value;

use crate::error::TrustError;
use crate::limits::MAX_DEPTH;

/// The canonical bytes of a value.
///
/// # Errors
/// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`].
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, TrustError> {
    let mut out = Vec::new();
    write(value, MAX_DEPTH, &mut out)?;
    Ok(out)
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), TrustError> {
    let inner = depth
        .checked_sub(1)
        .ok_or(TrustError::TooDeep { cap: MAX_DEPTH })?;
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) if number.is_u64() || number.is_i64() => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::Number(_) => return Err(TrustError::NotAnInteger),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write(item, inner, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            // Sorted here: how the map orders its keys depends on features of serde_json.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            out.push(b'{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(member, inner, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A text without control characters: with them the form is not JSON.
    fn any_text() -> impl Strategy<Value = String> {
        any::<String>().prop_map(|text| text.replace(|letter: char| letter < ' ', ""))
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any_text(), inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_json_of_the_same_value(value in any_value()) {
            let bytes = to_bytes(&value).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn layout_and_order_do_not_matter() {
        let one: Value = serde_json::from_str(r#"{"b": [1, -2], "a": {"é\n": "\"\\"}}"#).unwrap();
        let other: Value =
            serde_json::from_str("{\"a\":{\"\\u00e9\\n\":\"\\\"\\\\\"},\n \"b\":[1,-2]}").unwrap();
        assert_eq!(
            to_bytes(&one).unwrap(),
            "{\"a\":{\"é\n\":\"\\\"\\\\\"},\"b\":[1,-2]}".as_bytes()
        );
        assert_eq!(to_bytes(&one).unwrap(), to_bytes(&other).unwrap());
    }

    #[test]
    fn fractions_and_depth_are_refused() {
        assert!(matches!(
            to_bytes(&Value::from(0.5)),
            Err(TrustError::NotAnInteger)
        ));
        let deep = (0..MAX_DEPTH).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        assert!(matches!(to_bytes(&deep), Err(TrustError::TooDeep { .. })));
    }
}
