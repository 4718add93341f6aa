//! Limits of how many songs an artist, an album or a title may have in an answer.

use super::Query;
use crate::library::{Column, Columns, Song};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroUsize,
};

/// Numbers for what a song counts for: its artist, its album and its title. `None` where nothing is limited.
pub(super) type Keys = [Option<u64>; 3];

/// The most songs of one artist, one album and one title.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits([Option<NonZeroUsize>; 3]);

impl Limits {
    pub(super) fn of(query: &Query) -> Self {
        let per_title = query.one_per_title.then_some(NonZeroUsize::MIN);
        Self([query.per_artist, query.per_album, per_title])
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The columns that [`keys`](Self::keys) needs.
    pub(super) fn columns(&self) -> Columns {
        let columns = Columns::of(&[Column::Artist]);
        match self.0 {
            [_, None, None] => columns,
            [_, None, _] => columns.with(Column::Title),
            // The directory stands in for a missing artist.
            [_, _, None] => columns.with(Column::Album).with(Column::Path),
            _ => columns.and(Columns::TAGS).with(Column::Path),
        }
    }

    pub(super) fn keys(&self, song: &Song) -> Keys {
        let tag = |tag: &Option<String>| {
            let text = tag.as_deref()?.trim().to_lowercase();
            (!text.is_empty()).then_some(text)
        };
        let artist = tag(&song.artist);
        // Of a million numbers, two are the same with a probability of 1 in 40 million.
        let [per_artist, per_album, per_title] = self.0.map(|most| most.is_some());
        let mut keys = [None; 3];
        if per_artist && let Some(artist) = &artist {
            keys[0] = Some(number(("artist", artist)));
        }
        if per_album && let Some(album) = tag(&song.album) {
            keys[1] = Some(match &artist {
                Some(artist) => number(("album", album, artist)),
                None => number(("album in", album, song.path.parent())),
            });
        }
        if per_title && let (Some(title), Some(artist)) = (tag(&song.title), &artist) {
            keys[2] = Some(number(("title", plain_title(&title), plain(artist))));
        }
        keys
    }
}

fn number(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Songs that were taken, counted by their keys.
#[derive(Debug)]
pub(super) struct Taken {
    limits: Limits,
    counts: HashMap<u64, usize>,
}

impl Taken {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            counts: HashMap::new(),
        }
    }

    /// Takes and counts a song, unless a limit is reached.
    pub(super) fn take(&mut self, keys: &Keys) -> bool {
        let limited = || keys.iter().zip(self.limits.0);
        let is_full = limited().any(|(key, most)| match (key, most) {
            (Some(key), Some(most)) => self
                .counts
                .get(key)
                .is_some_and(|count| *count >= most.get()),
            _ => false,
        });
        if is_full {
            return false;
        }
        for key in keys.iter().flatten() {
            *self.counts.entry(*key).or_insert(0) += 1;
        }
        true
    }
}

/// A title in lower case without what tells versions of a song apart, such as `(Remastered 2011)`, ` - Live at Wembley` and
/// `[feat. Somebody]`, and with single spaces instead of punctuation.
fn plain_title(title: &str) -> String {
    let mut title = title.trim();
    while let Some((rest, suffix)) = split_suffix(title)
        && is_version(&plain(suffix))
    {
        title = rest;
    }
    plain(title)
}

/// The last part of a title in brackets or after a dash, and what is before it.
fn split_suffix(title: &str) -> Option<(&str, &str)> {
    let brackets = [('(', ')'), ('[', ']')];
    let split = brackets
        .into_iter()
        .find_map(|(open, close)| title.strip_suffix(close)?.rsplit_once(open));
    let (rest, suffix) = split.or_else(|| title.rsplit_once(" - "))?;
    let rest = rest.trim();
    (!rest.is_empty()).then_some((rest, suffix))
}

/// Whether the plain suffix of a title names a version of the same song. Remixes, parts and instrumental versions are songs of
/// their own.
fn is_version(suffix: &str) -> bool {
    let words: Vec<&str> = suffix.split(' ').collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    match words.as_slice() {
        _ if words.contains(&"instrumental") => false,
        ["feat" | "ft" | "featuring", _, ..] | ["live"] => true,
        ["live", "at" | "in" | "from" | "on", _, ..] => true,
        ["live", year] | [year, "live"] if is_number(year) => true,
        [
            ..,
            "version" | "edit" | "mono" | "stereo" | "demo" | "acoustic" | "explicit",
        ] => true,
        [.., "bonus", "track"] => true,
        [.., "remaster" | "remastered"] => true,
        ["remaster" | "remastered", year] => is_number(year),
        _ => false,
    }
}

/// Text in lower case without apostrophes, and with one space for any other run of characters that are neither letters nor
/// digits. Text of nothing else stays.
fn plain(text: &str) -> String {
    let text = text
        .trim()
        .to_lowercase()
        .replace(['\'', '’', '‘', 'ʼ', '`'], "");
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match words.is_empty() {
        true => text,
        false => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_song_have_one_plain_title() {
        for title in [
            "Don't Stop",
            "don’t stop ",
            "Don't Stop!",
            "Don't Stop (Remastered 2011)",
            "Don't Stop - 2011 Remaster",
            "Don't Stop [Live]",
            "Don't Stop (Live at Wembley, 1986)",
            "Don't Stop - Live",
            "Don't Stop (feat. Somebody) [Radio Edit]",
            "Don't Stop (Album Version) - Mono",
            "Don't Stop (2004 Remastered Version)",
            "Don't Stop (Bonus Track)",
        ] {
            assert_eq!(plain_title(title), "dont stop", "{title}");
        }
    }

    #[test]
    fn other_songs_keep_their_titles() {
        for (title, plain) in [
            ("Don't Stop (Somebody Remix)", "dont stop somebody remix"),
            (
                "Don't Stop (Instrumental Version)",
                "dont stop instrumental version",
            ),
            ("Echoes (Part 2)", "echoes part 2"),
            ("Echoes, Pt. 2 [Live]", "echoes pt 2"),
            ("Theme (Live and Let Die)", "theme live and let die"),
            ("Prelude - Long Live the King", "prelude long live the king"),
            ("Live", "live"),
            ("(Live)", "live"),
            (" - Demo", "demo"),
            ("Live - Forever", "live forever"),
            (
                "Remastered Minds (Remastered Hearts)",
                "remastered minds remastered hearts",
            ),
            ("1/2", "1 2"),
            ("...", "..."),
            ("?", "?"),
            ("Björk", "björk"),
            ("上海 (Live)", "上海"),
            ("(((", "((("),
            ("a)", "a"),
        ] {
            assert_eq!(plain_title(title), plain, "{title}");
        }
    }

    fn keys(title: &str, artist: &str, album: &str, path: &str) -> Keys {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let one = Some(NonZeroUsize::MIN);
        Limits([one; 3]).keys(&Song {
            path: path.into(),
            title: text(title),
            artist: text(artist),
            album: text(album),
            ..Song::default()
        })
    }

    #[test]
    fn songs_without_tags_are_not_limited() {
        assert_eq!(keys("", "", "", "/m/a.mp3"), [None; 3]);
        assert_eq!(keys(" ", " ", " ", "/m/a.mp3"), [None; 3]);
        assert_eq!(keys("Intro", "", "", "/m/a.mp3"), [None; 3]);
    }

    #[test]
    fn an_album_is_that_of_an_artist_or_else_of_a_directory() {
        let album = |artist, path| keys("", artist, "Hits", path)[1];
        assert_eq!(album("Ann", "/m/1/a.mp3"), album("ann ", "/m/2/b.mp3"));
        assert_ne!(album("Ann", "/m/1/a.mp3"), album("Tom", "/m/1/b.mp3"));
        assert_eq!(album("", "/m/1/a.mp3"), album("", "/m/1/b.mp3"));
        assert_ne!(album("", "/m/1/a.mp3"), album("", "/m/2/b.mp3"));
    }
}
