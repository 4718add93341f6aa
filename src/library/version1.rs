//! Files of format version 1: the facts of a song as a note in fixed words, and the number of a track in its path.

use super::{Column, Song};
use crate::clock::seconds;
use std::path::PathBuf;

/// The column of the notes.
pub(super) const NOTE: &str = "note";

/// The columns that replace the note. The path is among what changes: that of a track had its number as a last component.
pub(super) const FACTS: [Column; 8] = [
    Column::Track,
    Column::TrackStartS,
    Column::TrackEndS,
    Column::Silent,
    Column::DamagedPackets,
    Column::MissingS,
    Column::ExcerptStartS,
    Column::ExcerptLengthS,
];

/// The facts of a note (`silent; 3 damaged packets`), and the song's path without the number of the track. Words that version 1
/// never wrote mean nothing.
pub(super) fn facts(path: PathBuf, note: &str) -> Song {
    let mut song = Song {
        path,
        ..Song::default()
    };
    for words in note.split("; ") {
        let packets = words
            .strip_suffix(" damaged packets")
            .or_else(|| words.strip_suffix(" damaged packet"));
        if words == "silent" {
            song.silent = true;
        } else if let Some(count) = packets.and_then(|count| count.parse().ok()) {
            song.damaged_packets = count;
        } else if let Some((start, length)) = words.strip_prefix("excerpt ").and_then(place) {
            song.excerpt_start_s = Some(start);
            song.excerpt_length_s = Some(length);
        } else if let Some((number, place_of)) = words
            .strip_prefix("track ")
            .and_then(|words| words.split_once(", "))
            && let Ok(number) = number.parse()
            && let Some((start, length)) = place(place_of)
        {
            song.track = Some(number);
            song.track_start_s = Some(start);
            song.track_end_s = Some(start + length);
        }
    }
    if song.track.is_some() {
        song.path.pop();
    }
    song
}

/// Start and length in seconds of `200 s from 4:05.5`.
fn place(words: &str) -> Option<(f64, f64)> {
    let (length, start) = words.split_once(" s from ")?;
    let length = length
        .parse()
        .ok()
        .filter(|s: &f64| s.is_finite() && *s >= 0.0)?;
    Some((seconds(start)?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(note: &str) -> Song {
        facts("/music/mix.flac/03".into(), note)
    }

    fn plain() -> Song {
        Song {
            path: "/music/mix.flac/03".into(),
            ..Song::default()
        }
    }

    #[test]
    fn every_note_that_version_1_wrote_becomes_its_facts() {
        let silent = Song {
            silent: true,
            ..plain()
        };
        assert_eq!(of("silent"), silent);
        let both = Song {
            silent: true,
            damaged_packets: 3,
            ..plain()
        };
        assert_eq!(
            of("silent; shorter than a window (repeated); 3 damaged packets"),
            both
        );
        let one = Song {
            damaged_packets: 1,
            ..plain()
        };
        assert_eq!(of("1 damaged packet"), one);
        let excerpt = Song {
            excerpt_start_s: Some(70.0),
            excerpt_length_s: Some(45.0),
            ..plain()
        };
        assert_eq!(of("excerpt 45 s from 1:10"), excerpt);
        assert_eq!(of("shorter than a window (repeated)"), plain());
    }

    #[test]
    fn a_track_of_version_1_gets_the_path_of_its_file() {
        let track = Song {
            path: "/music/mix.flac".into(),
            track: Some(3),
            track_start_s: Some(245.5),
            track_end_s: Some(445.5),
            damaged_packets: 2,
            ..Song::default()
        };
        assert_eq!(of("track 3, 200 s from 4:05.5; 2 damaged packets"), track);
        let late = of("track 12, 61.3 s from 1:02:03");
        assert_eq!((late.track, late.track_start_s), (Some(12), Some(3723.0)));
    }

    #[test]
    fn other_words_are_ignored() {
        for note in [
            "",
            "silently",
            "track 3",
            "track 3, many s from 1:10",
            "excerpt 45 s",
            "track x, 1 s from 0:01",
        ] {
            assert_eq!(of(note), plain(), "{note}");
        }
    }
}
