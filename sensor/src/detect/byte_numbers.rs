//! Numbers read from the traffic: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`.

use lapwing_rules::model::{
    ByteExtract, ByteJump, ByteMath, ByteTest, BytesSpec, Comparison, JumpOrigin, NumberBase,
    Operand,
};

use super::limits::{BYTE_VARIABLES_MAX, TEXT_NUMBER_BYTES_MAX};

/// The byte variables of the rule under evaluation.
#[derive(Clone, Debug)]
pub(crate) struct ByteValues([u64; BYTE_VARIABLES_MAX]);

impl ByteValues {
    pub(crate) fn new() -> Self {
        Self([0; BYTE_VARIABLES_MAX])
    }

    /// All back to 0: a rule never sees what another one read.
    pub(crate) fn clear(&mut self, count: usize) {
        self.0.iter_mut().take(count).for_each(|value| *value = 0);
    }

    pub(crate) fn get(&self, variable: u8) -> u64 {
        self.0[usize::from(variable)]
    }

    pub(crate) fn set(&mut self, variable: u8, value: u64) {
        self.0[usize::from(variable)] = value;
    }

    /// The number an operand stands for, as the reference widens it: 64 bits, negative numbers in two's complement.
    pub(crate) fn resolve(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Number(number) => number.cast_unsigned(),
            Operand::Variable(variable) => self.get(variable),
        }
    }
}

/// A number and where it stood.
struct ReadNumber {
    value: u64,
    start: usize,
    length: usize,
}

/// What the number readers look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberSource<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) cursor: usize,
    /// Byte order for `dce`, from the DCERPC header.
    pub(crate) dce_little_endian: bool,
}

impl NumberSource<'_> {
    fn read(&self, spec: &BytesSpec, values: &ByteValues) -> Option<ReadNumber> {
        if self.bytes.is_empty() {
            return None;
        }
        let base = if spec.relative { self.cursor } else { 0 };
        let offset = match spec.offset {
            Operand::Number(number) => number,
            // The reference keeps offsets in 32 signed bits.
            Operand::Variable(variable) => i64::from(low_half(values.get(variable)).cast_signed()),
        };
        let start = usize::try_from(i64::try_from(base).ok()?.checked_add(offset)?).ok()?;
        let available = self.bytes.get(start..)?;
        let count = usize::try_from(values.resolve(spec.count)).ok()?;
        if count > available.len() || (spec.relative && available.is_empty() && count > 0) {
            return None;
        }
        let (value, length) = match spec.text {
            Some(base) => {
                if count > TEXT_NUMBER_BYTES_MAX {
                    return None;
                }
                let digits = if count == 0 {
                    &available[..available.len().min(TEXT_NUMBER_BYTES_MAX)]
                } else {
                    &available[..count]
                };
                read_text(digits, base)?
            }
            // A number of no bytes at all, as a variable may have it, is none.
            None if count == 0 && matches!(spec.count, Operand::Variable(_)) => return None,
            None => {
                let little = spec.little_endian || (spec.dce && self.dce_little_endian);
                (read_binary(&available[..count], little)?, count)
            }
        };
        Some(ReadNumber {
            value,
            start,
            length,
        })
    }

    /// Whether the comparison holds; bytes that are not there make it fail, negated or not.
    pub(crate) fn test(&self, test: &ByteTest, values: &ByteValues) -> bool {
        let Some(read) = self.read(&test.bytes, values) else {
            return false;
        };
        let found = masked(read.value, test.bytes.bitmask);
        let value = values.resolve(test.value);
        let holds = match test.comparison {
            Comparison::Less => found < value,
            Comparison::LessOrEqual => found <= value,
            Comparison::Greater => found > value,
            Comparison::GreaterOrEqual => found >= value,
            Comparison::Equal => found == value,
            Comparison::And => found & value != 0,
            Comparison::Xor => found ^ value != 0,
        };
        holds != test.negated
    }

    /// Where a jump lands, if not too far behind the buffer's last byte.
    pub(crate) fn jump(&self, jump: &ByteJump, values: &ByteValues) -> Option<usize> {
        let read = self.read(&jump.bytes, values)?;
        let mut distance =
            masked(read.value, jump.bytes.bitmask).wrapping_mul(jump.multiplier.cast_unsigned());
        if jump.align {
            distance = align_up(distance, 4);
        }
        let distance = distance
            .wrapping_add(jump.post_offset.cast_unsigned())
            .cast_signed();
        let origin = match jump.origin {
            JumpOrigin::Cursor => read.start + read.length,
            JumpOrigin::Beginning => 0,
            JumpOrigin::End => self.bytes.len(),
        };
        let target = i64::try_from(origin).ok()?.checked_add(distance)?;
        // As in the reference, what would land before the buffer lands at its start.
        let target = usize::try_from(target.max(0)).ok()?;
        (target <= self.bytes.len()).then_some(target)
    }

    /// The extracted value and the cursor behind it.
    pub(crate) fn extract(
        &self,
        extract: &ByteExtract,
        values: &ByteValues,
    ) -> Option<(u64, usize)> {
        let read = self.read(&extract.bytes, values)?;
        let value = masked(read.value, extract.bytes.bitmask)
            .wrapping_mul(extract.multiplier.cast_unsigned());
        Some((
            align_up(value, u64::from(extract.align)),
            read.start + read.length,
        ))
    }

    /// The computed value and the cursor behind the bytes it was read from.
    pub(crate) fn math(&self, math: &ByteMath, values: &ByteValues) -> Option<(u64, usize)> {
        let read = self.read(&math.bytes, values)?;
        let right = values.resolve(math.value);
        let shift = u32::try_from(right).unwrap_or(u32::MAX);
        let value = match math.operator {
            b'+' => read.value.wrapping_add(right),
            b'-' => read.value.wrapping_sub(right),
            b'*' => read.value.wrapping_mul(right),
            b'/' => read.value.checked_div(right)?,
            b'<' => read.value.checked_shl(shift).unwrap_or(0),
            b'>' => read.value.checked_shr(shift).unwrap_or(0),
            _ => return None,
        };
        Some((masked(value, math.bytes.bitmask), read.start + read.length))
    }
}

fn low_half(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0)
}

fn masked(value: u64, bitmask: Option<u32>) -> u64 {
    match bitmask {
        None => value,
        Some(0) => 0,
        Some(mask) => (value & u64::from(mask)) >> mask.trailing_zeros(),
    }
}

fn align_up(value: u64, alignment: u64) -> u64 {
    match alignment {
        0 | 1 => value,
        alignment => match value % alignment {
            0 => value,
            rest => value.wrapping_add(alignment - rest),
        },
    }
}

fn read_binary(bytes: &[u8], little_endian: bool) -> Option<u64> {
    if bytes.len() > 8 {
        return None;
    }
    let join = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
    Some(if little_endian {
        bytes.iter().rev().fold(0, join)
    } else {
        bytes.iter().fold(0, join)
    })
}

/// Reads a number as C's `strtoull` does: white space, a sign, `0x` before hexadecimal digits, then digits.
/// Gives the value and the bytes used; `None` without digits or when it does not fit 64 bits.
fn read_text(bytes: &[u8], base: NumberBase) -> Option<(u64, usize)> {
    let radix: u64 = match base {
        NumberBase::Hexadecimal => 16,
        NumberBase::Decimal => 10,
        NumberBase::Octal => 8,
    };
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(u32::try_from(radix).unwrap_or(10))
            .map(u64::from)
    };
    let mut at = bytes
        .iter()
        .take_while(|byte| matches!(byte, b' ' | 0x09..=0x0d))
        .count();
    let negative = match bytes.get(at) {
        Some(b'-') => {
            at += 1;
            true
        }
        Some(b'+') => {
            at += 1;
            false
        }
        _ => false,
    };
    if radix == 16
        && bytes.get(at) == Some(&b'0')
        && matches!(bytes.get(at + 1), Some(b'x' | b'X'))
        && bytes.get(at + 2).and_then(digit).is_some()
    {
        at += 2;
    }
    let first_digit = at;
    let mut value = 0_u64;
    while let Some(number) = bytes.get(at).and_then(digit) {
        value = value.checked_mul(radix)?.checked_add(number)?;
        at += 1;
    }
    if at == first_digit {
        return None;
    }
    let value = if negative {
        value.wrapping_neg()
    } else {
        value
    };
    Some((value, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(count: i64, offset: i64) -> BytesSpec {
        BytesSpec {
            count: Operand::Number(count),
            relative: false,
            offset: Operand::Number(offset),
            little_endian: false,
            text: None,
            dce: false,
            bitmask: None,
        }
    }

    fn source(bytes: &[u8], cursor: usize) -> NumberSource<'_> {
        NumberSource {
            bytes,
            cursor,
            dce_little_endian: true,
        }
    }

    fn test(bytes: BytesSpec, comparison: Comparison, value: i64) -> ByteTest {
        ByteTest {
            bytes,
            negated: false,
            comparison,
            value: Operand::Number(value),
        }
    }

    #[test]
    fn byte_test_compares_in_either_byte_order() {
        let values = ByteValues::new();
        let data = source(&[0x01, 0x02, 0x03], 0);
        assert!(data.test(&test(spec(2, 0), Comparison::Equal, 0x0102), &values));
        let little = BytesSpec {
            little_endian: true,
            ..spec(2, 0)
        };
        assert!(data.test(&test(little, Comparison::Equal, 0x0201), &values));
        let dce = BytesSpec {
            dce: true,
            ..spec(2, 1)
        };
        assert!(data.test(&test(dce, Comparison::Equal, 0x0302), &values));
        assert!(data.test(&test(spec(1, 2), Comparison::And, 0x02), &values));
        assert!(!data.test(&test(spec(1, 2), Comparison::And, 0x04), &values));
        assert!(data.test(&test(spec(1, 2), Comparison::LessOrEqual, 3), &values));
        assert!(!data.test(&test(spec(1, 2), Comparison::Less, 3), &values));
    }

    #[test]
    fn byte_test_beyond_the_end_fails_even_when_negated() {
        let values = ByteValues::new();
        let negated = ByteTest {
            negated: true,
            ..test(spec(2, 2), Comparison::Equal, 1)
        };
        assert!(!source(&[1, 2, 3], 0).test(&negated, &values));
        assert!(!source(&[1, 2, 3], 0).test(&test(spec(1, -1), Comparison::Equal, 1), &values));
    }

    #[test]
    fn byte_test_masks_and_shifts() {
        let values = ByteValues::new();
        let masked = BytesSpec {
            bitmask: Some(0xf0),
            ..spec(1, 0)
        };
        assert!(source(&[0x5a], 0).test(&test(masked, Comparison::Equal, 5), &values));
    }

    #[test]
    fn numbers_in_text_are_read_as_c_reads_them() {
        assert_eq!(read_text(b"  12ab", NumberBase::Decimal), Some((12, 4)));
        assert_eq!(read_text(b"0x1f", NumberBase::Hexadecimal), Some((0x1f, 4)));
        assert_eq!(read_text(b"0xg", NumberBase::Hexadecimal), Some((0, 1)));
        assert_eq!(read_text(b"-1", NumberBase::Decimal), Some((u64::MAX, 2)));
        assert_eq!(read_text(b"x", NumberBase::Decimal), None);
        assert_eq!(
            read_text(b"99999999999999999999999", NumberBase::Decimal),
            None
        );
    }

    #[test]
    fn byte_jump_lands_inside_or_fails() {
        let values = ByteValues::new();
        let jump = ByteJump {
            bytes: spec(1, 0),
            multiplier: 1,
            align: false,
            origin: JumpOrigin::Cursor,
            post_offset: 0,
        };
        assert_eq!(source(&[2, 0, 0, 9, 9], 0).jump(&jump, &values), Some(3));
        assert_eq!(source(&[4, 0, 0, 9, 9], 0).jump(&jump, &values), Some(5));
        assert_eq!(source(&[5, 0, 0, 9, 9], 0).jump(&jump, &values), None);
        let aligned = ByteJump {
            align: true,
            origin: JumpOrigin::Beginning,
            ..jump
        };
        assert_eq!(source(&[2, 0, 0, 9, 9], 0).jump(&aligned, &values), Some(4));
        let from_end = ByteJump {
            bytes: spec(0, 0),
            origin: JumpOrigin::End,
            post_offset: -2,
            ..jump
        };
        assert_eq!(
            source(&[2, 0, 0, 9, 9], 0).jump(&from_end, &values),
            Some(3)
        );
        let relative = ByteJump {
            bytes: BytesSpec {
                relative: true,
                ..spec(1, -1)
            },
            ..jump
        };
        assert_eq!(
            source(&[7, 1, 0, 9, 9], 2).jump(&relative, &values),
            Some(3)
        );
    }

    #[test]
    fn byte_extract_multiplies_and_aligns() {
        let extract = ByteExtract {
            bytes: spec(1, 1),
            variable: 0,
            multiplier: 3,
            align: 4,
        };
        assert_eq!(
            source(&[0, 3, 0], 0).extract(&extract, &ByteValues::new()),
            Some((12, 2))
        );
    }

    #[test]
    fn byte_math_never_divides_by_zero() {
        let mut values = ByteValues::new();
        let math = ByteMath {
            bytes: spec(1, 0),
            operator: b'/',
            value: Operand::Variable(1),
            variable: 0,
        };
        assert_eq!(source(&[8], 0).math(&math, &values), None);
        values.set(1, 2);
        assert_eq!(source(&[8], 0).math(&math, &values), Some((4, 1)));
        let shift = ByteMath {
            operator: b'<',
            value: Operand::Number(200),
            ..math
        };
        assert_eq!(source(&[8], 0).math(&shift, &values), Some((0, 1)));
    }
}
