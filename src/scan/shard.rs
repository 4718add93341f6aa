//! A shard of a collection of music.

use crate::Error;
use sha2::{Digest, Sha256};
use std::{fmt, path::Path, str::FromStr};

/// Shard `index` of `count`, from 1. The shard of a file depends on its path alone: not on other files, nor on the
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u32,
    count: u32,
}

/// The most shards: file names have five digits.
const MOST: u32 = 99_999;

impl Shard {
    /// Whether a file belongs to this shard. `path` is absolute.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let start = hash.iter().take(8);
        let number = start.fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// The name of this shard's file: `part-00003-of-00008.parquet`.
    pub(crate) fn file_name(&self) -> String {
        format!("part-{:05}-of-{:05}.parquet", self.index, self.count)
    }

    /// Whether a file has the name of a shard with another number of shards.
    pub(crate) fn is_other_count(&self, name: &str) -> bool {
        let parts = name
            .strip_prefix("part-")
            .and_then(|rest| rest.strip_suffix(".parquet"))
            .and_then(|rest| rest.split_once("-of-"));
        parts.is_some_and(|(index, count)| {
            let number = |text: &str| text.parse::<u32>().ok();
            number(index).is_some() && number(count).is_some_and(|count| count != self.count)
        })
    }
}

impl FromStr for Shard {
    type Err = Error;

    /// Parses `3/8`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let shard = text.split_once('/').and_then(|(index, count)| {
            let index: u32 = index.trim().parse().ok()?;
            let count: u32 = count.trim().parse().ok()?;
            let is_valid = (1..=MOST).contains(&count) && (1..=count).contains(&index);
            is_valid.then_some(Self { index, count })
        });
        let expected = format!("expected a shard such as 3/8 (from 1/1 to {MOST}/{MOST})");
        shard.ok_or_else(|| Error::invalid(format!("{expected}, found {text:?}")))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_exactly_one_shard_of_about_equal_size() {
        let shards: Vec<Shard> = (1..=7)
            .map(|index| format!("{index}/7").parse().unwrap())
            .collect();
        let mut sizes = [0; 7];
        for n in 0..7000 {
            let path = format!("/music/artist {}/song {n}.mp3", n % 90);
            let holders: Vec<usize> = (0..7)
                .filter(|shard| shards[*shard].contains(Path::new(&path)))
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
    fn the_shard_of_a_file_never_changes() {
        // SHA-256 of "/music/a.mp3" begins with 355d896ab5c9f0bb.
        let shard: Shard = format!("{}/1000", 0x355d_896a_b5c9_f0bb_u64 % 1000 + 1)
            .parse()
            .unwrap();
        assert!(shard.contains(Path::new("/music/a.mp3")));
    }

    #[test]
    fn invalid_shards_are_rejected() {
        for bad in [
            "", "1", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/100000", "1/4/2",
        ] {
            let error = bad.parse::<Shard>().unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!(shard.to_string(), "3/8");
        assert_eq!(shard.file_name(), "part-00003-of-00008.parquet");
        assert!(!shard.is_other_count("part-00001-of-00008.parquet"));
        assert!(shard.is_other_count("part-00001-of-00004.parquet"));
        assert!(!shard.is_other_count("part-of-parquet.parquet"));
    }
}
