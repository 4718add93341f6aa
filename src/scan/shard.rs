//! One of several equal parts of a collection.

use sha2::{Digest, Sha256};
use std::{fmt, path::Path, str::FromStr};

/// Part `index` of `of`, counted from 1. To which part a file belongs depends on its path alone: not on the other files,
/// nor on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// Most parts: five digits in the names of their files.
const MOST: u32 = 99_999;

/// What was given is no part of a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a part and the number of parts, from 1/1 to {MOST}/{MOST}, for example 3/8; found {found:?}"
)]
pub struct ShardError {
    found: String,
}

impl Shard {
    /// Whether a file belongs to this part. `path` is absolute.
    pub fn holds(&self, path: &Path) -> bool {
        let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let number = hash
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.index - 1)
    }

    /// The name of this part's file: `part-00003-of-00008.parquet`.
    pub fn file_name(&self) -> String {
        format!("part-{:05}-of-{:05}.parquet", self.index, self.of)
    }

    /// Whether a file's name is that of a part of a whole that is cut in another number of parts.
    pub fn is_of_another_cut(&self, name: &str) -> bool {
        let parts = name
            .strip_prefix("part-")
            .and_then(|rest| rest.strip_suffix(".parquet"))
            .and_then(|rest| rest.split_once("-of-"));
        parts.is_some_and(|(index, of)| {
            let number = |text: &str| text.parse::<u32>().ok();
            number(index).is_some() && number(of).is_some_and(|of| of != self.of)
        })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Reads `3/8`.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(index, of)| {
            let index: u32 = index.trim().parse().ok()?;
            let of: u32 = of.trim().parse().ok()?;
            ((1..=MOST).contains(&of) && (1..=of).contains(&index)).then_some((index, of))
        });
        match numbers {
            Some((index, of)) => Ok(Self { index, of }),
            None => Err(ShardError {
                found: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_belongs_to_exactly_one_part_and_the_parts_are_about_equal() {
        let parts: Vec<Shard> = (1..=7)
            .map(|index| format!("{index}/7").parse().unwrap())
            .collect();
        let mut sizes = [0; 7];
        for n in 0..7000 {
            let path = format!("/music/artist {}/song {n}.mp3", n % 90);
            let holders: Vec<usize> = (0..7)
                .filter(|part| parts[*part].holds(Path::new(&path)))
                .collect();
            assert_eq!(holders.len(), 1, "{path}");
            sizes[holders[0]] += 1;
        }
        assert!(
            sizes.iter().all(|size| (850..1150).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn a_file_stays_in_its_part_for_ever() {
        // SHA-256 of "/music/a.mp3" begins with 355d896ab5c9f0bb.
        let part: Shard = format!("{}/1000", 0x355d_896a_b5c9_f0bb_u64 % 1000 + 1)
            .parse()
            .unwrap();
        assert!(part.holds(Path::new("/music/a.mp3")));
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for bad in [
            "", "1", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/100000", "1/4/2",
        ] {
            let error = bad.parse::<Shard>().unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
        let part: Shard = "3/8".parse().unwrap();
        assert_eq!(part.to_string(), "3/8");
        assert_eq!(part.file_name(), "part-00003-of-00008.parquet");
        assert!(!part.is_of_another_cut("part-00001-of-00008.parquet"));
        assert!(part.is_of_another_cut("part-00001-of-00004.parquet"));
        assert!(!part.is_of_another_cut("part-of-parquet.parquet"));
    }
}
