//! Pages of lists whose numbers stand in the file as they are.
//!
//! A column of eight numbers a row carries, beside the numbers, two levels for each of them, which say where a list begins and
//! whether something is absent. Decoding them costs more than all the rest of a question. Where no list and no number is absent
//! and all lists have the same length, the levels follow one pattern; it is enough to see that they do
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>).

use bytes::Bytes;
use parquet::{
    basic::{Encoding, Type},
    column::page::Page,
    schema::types::ColumnDescriptor,
};

/// Bytes of a number.
const NUMBER: usize = size_of::<f32>();

/// Whether a column may hold pages that [`numbers`] understands: lists of float32, once repeated.
pub(super) fn is_list_of_floats(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::FLOAT && column.max_rep_level() == 1
}

/// The numbers of a page as little-endian bytes, list after list, each of `length` numbers, none absent. `None` where the page
/// is of another kind.
pub(super) fn numbers(page: &Page, column: &ColumnDescriptor, length: usize) -> Option<Bytes> {
    if page.encoding() != Encoding::PLAIN {
        return None;
    }
    let (repetition, definition, numbers) = parts(page)?;
    let count = usize::try_from(page.num_values()).ok()?;
    let defined = u8::try_from(column.max_def_level()).ok()?;
    let whole = count.is_multiple_of(length)
        && numbers.len() == count.checked_mul(NUMBER)?
        && Levels::new(&repetition, 1).repeat(count, length)?
        && Levels::new(&definition, bits(defined)).are_all(defined, count)?;
    whole.then_some(numbers)
}

/// Bits that a level up to `most` takes.
fn bits(most: u8) -> u8 {
    (u8::BITS - most.leading_zeros()) as u8
}

/// Repetition levels, definition levels, values.
fn parts(page: &Page) -> Option<(Bytes, Bytes, Bytes)> {
    match page {
        Page::DataPage {
            buf,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            ..
        } => {
            let (repetition, rest) = behind_length(buf.clone())?;
            let (definition, numbers) = behind_length(rest)?;
            Some((repetition, definition, numbers))
        }
        Page::DataPageV2 {
            buf,
            num_nulls: 0,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let mut rest = buf.clone();
            let repetition = cut(&mut rest, usize::try_from(*rep_levels_byte_len).ok()?)?;
            let definition = cut(&mut rest, usize::try_from(*def_levels_byte_len).ok()?)?;
            Some((repetition, definition, rest))
        }
        _ => None,
    }
}

/// Levels behind four bytes with their length, and what follows them.
fn behind_length(mut buffer: Bytes) -> Option<(Bytes, Bytes)> {
    let length = cut(&mut buffer, 4)?;
    let length = u32::from_le_bytes(length[..].try_into().ok()?);
    let levels = cut(&mut buffer, usize::try_from(length).ok()?)?;
    Some((levels, buffer))
}

fn cut(buffer: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= buffer.len()).then(|| buffer.split_to(length))
}

/// Levels in Parquet's hybrid of runs and packed bits.
struct Levels<'a> {
    rest: &'a [u8],
    /// Bits of a level.
    bits: u8,
}

/// Some levels.
enum Run<'a> {
    Same { level: u8, count: usize },
    Packed(&'a [u8]),
}

impl<'a> Levels<'a> {
    fn new(bytes: &'a [u8], bits: u8) -> Self {
        Self { rest: bytes, bits }
    }

    fn run(&mut self) -> Option<Run<'a>> {
        let mut header = 0_u64;
        for shift in (0..).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            header |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let count = usize::try_from(header >> 1).ok()?;
        let length = match header & 1 {
            0 => 1,
            _ => count.checked_mul(usize::from(self.bits))?,
        };
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(match bytes {
            [level] if header & 1 == 0 => Run::Same {
                level: *level,
                count,
            },
            bytes => Run::Packed(bytes),
        })
    }

    /// Whether the first `count` of levels of one bit say that a list begins at every `length`-th number and only there.
    /// `None` where they end before.
    fn repeat(mut self, count: usize, length: usize) -> Option<bool> {
        let mut at = 0;
        while at < count {
            let fits = match self.run()? {
                Run::Same { count: 0, .. } => false,
                Run::Same { level, count: run } => {
                    let place = at % length;
                    at += run;
                    match level {
                        0 => place == 0 && (run == 1 || length == 1),
                        _ => place > 0 && place + run <= length,
                    }
                }
                Run::Packed(bytes) => {
                    let start = at;
                    at += 8 * bytes.len();
                    // The usual case: each byte is one list.
                    length == 8 && start.is_multiple_of(8) && bytes.iter().all(|&byte| byte == 0xfe)
                        || (start..at.min(count)).all(|n| {
                            let bit = bytes[(n - start) / 8] >> ((n - start) % 8) & 1;
                            (bit == 0) == n.is_multiple_of(length)
                        })
                }
            };
            if !fits {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Whether the first `count` levels are all the same.
    fn are_all(mut self, level: u8, count: usize) -> Option<bool> {
        let mut at = 0;
        while at < count {
            match self.run()? {
                Run::Same {
                    level: found,
                    count: run,
                } if found == level && run > 0 => at += run,
                // Where a level has one bit and it is always 1.
                Run::Packed(bytes)
                    if self.bits == 1 && level == 1 && bytes.iter().all(|&b| b == 0xff) =>
                {
                    at += 8 * bytes.len();
                }
                _ => return Some(false),
            }
        }
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(bytes: &[u8], count: usize, length: usize) -> Option<bool> {
        Levels::new(bytes, 1).repeat(count, length)
    }

    #[test]
    fn lists_of_eight_are_known_by_their_bytes() {
        // Two packed groups, then one; each list is 0 and seven 1s.
        let levels = [0b101, 0xfe, 0xfe, 0b11, 0xfe];
        assert_eq!(repeat(&levels, 24, 8), Some(true));
        assert_eq!(repeat(&levels, 16, 8), Some(true));
        assert_eq!(repeat(&levels, 32, 8), None, "they end before");
        assert_eq!(repeat(&[0b101, 0xfe, 0xfc], 16, 8), Some(false));
        assert_eq!(repeat(&[0b101, 0xfe, 0xff], 16, 8), Some(false));
        assert_eq!(repeat(&levels, 24, 4), Some(false));
    }

    #[test]
    fn long_lists_are_runs() {
        // 0, then seven 1s, then a run of eight 1s: a list of 16.
        let list = [0b11, 0xfe, 8 << 1, 1];
        assert_eq!(repeat(&list.repeat(2), 32, 16), Some(true));
        assert_eq!(repeat(&list, 16, 8), Some(false));
        // A run that goes on into the next list.
        assert_eq!(repeat(&[0b11, 0xfe, 9 << 1, 1], 17, 16), Some(false));
        assert_eq!(repeat(&[0, 0], 8, 8), Some(false), "an empty run ends it");
        assert_eq!(repeat(&[0x80; 12], 8, 8), None);
    }

    #[test]
    fn what_is_absent_is_seen() {
        let all = |bytes: &[u8], bits, level, count| Levels::new(bytes, bits).are_all(level, count);
        assert_eq!(all(&[16 << 1, 1], 1, 1, 16), Some(true));
        assert_eq!(all(&[16 << 1, 1], 1, 1, 17), None);
        assert_eq!(all(&[16 << 1, 0], 1, 1, 16), Some(false));
        assert_eq!(all(&[0b11, 0xff], 1, 1, 8), Some(true));
        assert_eq!(all(&[0b11, 0xef], 1, 1, 8), Some(false));
        assert_eq!(all(&[8 << 1, 3, 8 << 1, 3], 2, 3, 16), Some(true));
        assert_eq!(all(&[8 << 1, 3, 8 << 1, 2], 2, 3, 16), Some(false));
        assert_eq!(all(&[], 0, 0, 0), Some(true));
        assert_eq!(
            (bits(0), bits(1), bits(2), bits(3), bits(4)),
            (0, 1, 2, 2, 3)
        );
    }
}
