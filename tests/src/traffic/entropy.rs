//! A tiny generator of repeatable numbers.
//!
//! Captures must have the same bytes on every machine and with every version of our dependencies, which no general
//! random-number crate promises. This is SplitMix64 (Steele, Lea and Flood, 2014); it is not for secrets.

/// A seeded source of numbers: the same seed gives the same sequence for ever.
#[derive(Clone, Debug)]
pub struct Entropy(u64);

impl Entropy {
    /// A source that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `0` up to, not including, `bound` (which must not be 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }

    /// A number between the two, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// One of the given things.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).expect("an index below a length fits")]
    }

    /// Bytes that look encrypted.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// A port from the ephemeral range (RFC 6335, section 6).
    pub fn ephemeral_port(&mut self) -> u16 {
        u16::try_from(self.between(49152, 65535)).expect("a port fits in 16 bits")
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs of SplitMix64 for seed 1234567, as in its reference implementation.
        let mut entropy = Entropy::new(1_234_567);
        assert_eq!(entropy.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(entropy.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bytes_have_the_length_asked_for() {
        assert_eq!(Entropy::new(1).bytes(13).len(), 13);
    }
}
