//! Numbers that have names, in the way of version 8 of the language: a name, perhaps negated, or a range of numbers.

use crate::{
    model::NumberRange,
    source::{problem::Problem, syntax::Word, values::number_range},
};

/// A name of `names`, `!name`, or a number or range up to `max`.
pub(super) fn named_range(
    word: Word<'_>,
    names: &[(&str, u64)],
    max: u64,
) -> Result<NumberRange, Problem> {
    let text = word.text();
    let (negated, name) = match text.strip_prefix('!') {
        Some(name) => (true, name.trim_start()),
        None => (false, text),
    };
    let known = names
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    if let Some((_, number)) = known {
        return Ok(NumberRange {
            min: *number,
            max: *number,
            negated,
        });
    }
    if name.starts_with(|character: char| character.is_ascii_alphabetic()) {
        let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
        return Err(
            Problem::value(word.span(), format!("`{name}` is no name here"))
                .hint(format!("the names are {}", known.join(", "))),
        );
    }
    number_range(word, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_numbers() {
        let range = |text: &str| {
            let word = Word {
                bytes: text.as_bytes(),
                start: 0,
            };
            named_range(word, &[("one", 1), ("two", 2)], 9)
                .ok()
                .map(|range| (range.min, range.max, range.negated))
        };
        assert_eq!(range("two"), Some((2, 2, false)));
        assert_eq!(range("!One"), Some((1, 1, true)));
        assert_eq!(range(">2"), Some((3, u64::MAX, false)));
        assert_eq!(range("three"), None);
        assert_eq!(range("10"), None);
    }
}
