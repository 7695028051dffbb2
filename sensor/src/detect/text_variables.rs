//! Variables that expressions capture, of a flow or of the packet in hand.

use super::limits::{TEXT_VARIABLE_BYTES_MAX, TEXT_VARIABLES_MAX};

/// A few texts by number of variable.
#[derive(Debug, Default)]
pub(crate) struct TextVariables {
    texts: Vec<(u32, Vec<u8>)>,
}

impl TextVariables {
    pub(crate) fn get(&self, variable: u32) -> Option<&[u8]> {
        let held = self.texts.iter().find(|(held, _)| *held == variable);
        held.map(|(_, text)| text.as_slice())
    }

    /// Keeps a text, in place of the one before. Whether all of it was kept.
    pub(crate) fn set(&mut self, variable: u32, text: &[u8]) -> bool {
        let kept = text.get(..TEXT_VARIABLE_BYTES_MAX).unwrap_or(text);
        let has_room = self.texts.len() < TEXT_VARIABLES_MAX;
        match self.texts.iter_mut().find(|(held, _)| *held == variable) {
            Some((_, held)) => {
                held.clear();
                held.extend_from_slice(kept);
            }
            None if has_room => {
                self.texts.push((variable, kept.to_vec()));
            }
            None => return false,
        }
        kept.len() == text.len()
    }

    pub(crate) fn clear(&mut self) {
        self.texts.clear();
    }

    pub(crate) fn held_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|(_, text)| text.capacity()).sum();
        texts + self.texts.capacity() * size_of::<(u32, Vec<u8>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_replaced_and_bounded() {
        let mut texts = TextVariables::default();
        assert!(texts.set(1, b"one") && texts.set(1, b"two"));
        assert_eq!(texts.get(1), Some(&b"two"[..]));
        assert!(!texts.set(1, &[b'x'; TEXT_VARIABLE_BYTES_MAX + 1]));
        assert_eq!(texts.get(1).map(<[u8]>::len), Some(TEXT_VARIABLE_BYTES_MAX));
        let kept = (2..100)
            .filter(|variable| texts.set(*variable, b""))
            .count();
        assert_eq!(kept, TEXT_VARIABLES_MAX - 1);
    }
}
