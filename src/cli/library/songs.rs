//! `circumplex library songs`.

use super::done;
use crate::{
    cli::{CliResult, Console, LibraryChoice, Table, terminal_width},
    emotion::{Emotion, EmotionVector},
    library::{Column, Columns, Song},
};
use serde::Serialize;
use std::{borrow::Cow, cmp::Ordering};

/// List the songs of a library with their strongest emotion, valence and arousal
#[derive(clap::Args)]
#[command(
    after_help = "The numbers of a silent song mean nothing: it is listed as silent, and last in orders by a number."
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// The order: path, title, artist or emotion from the first; or, from the highest, valence, arousal, duration,
    /// analyzed (the latest first), or the percentage of one of the eight emotions. Without it, that of the library
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    sort: Option<Key>,
    /// The other way round
    #[arg(long)]
    reverse: bool,
    /// How many songs; without it, all
    #[arg(short, value_name = "N")]
    n: Option<usize>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// The columns that are read.
const COLUMNS: Columns = Columns::LIST
    .and(Columns::TAGS)
    .with(Column::DamagedPackets)
    .with(Column::MissingS)
    .with(Column::ExcerptStartS)
    .with(Column::ExcerptLengthS);

/// The sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Path,
    Title,
    Artist,
    Emotion,
    Valence,
    Arousal,
    Duration,
    Analyzed,
    Percentage(Emotion),
}

fn parse_key(text: &str) -> Result<Key, String> {
    Ok(match text.trim().to_lowercase().as_str() {
        "path" => Key::Path,
        "title" => Key::Title,
        "artist" => Key::Artist,
        "emotion" => Key::Emotion,
        "valence" => Key::Valence,
        "arousal" => Key::Arousal,
        "duration" => Key::Duration,
        "analyzed" | "analysed" => Key::Analyzed,
        other => match other.parse() {
            Ok(emotion) => Key::Percentage(emotion),
            Err(error) => {
                return Err(format!(
                    "expected path, title, artist, emotion, valence, arousal, duration, analyzed or an emotion: {error}"
                ));
            }
        },
    })
}

impl Key {
    /// Texts from the first, absent ones last; numbers from the highest.
    fn compare(self, a: &Song, b: &Song) -> Ordering {
        let of_the_sound = !matches!(
            self,
            Key::Path | Key::Title | Key::Artist | Key::Duration | Key::Analyzed
        );
        if of_the_sound && a.silent != b.silent {
            return a.silent.cmp(&b.silent);
        }
        let text = |a: &Option<String>, b: &Option<String>| {
            let key =
                |text: &Option<String>| (text.is_none(), text.as_deref().map(str::to_lowercase));
            key(a).cmp(&key(b))
        };
        match self {
            Key::Path => Ordering::Equal,
            Key::Title => text(&a.title, &b.title),
            Key::Artist => text(&a.artist, &b.artist),
            Key::Emotion => {
                let strongest = |song: &Song| song.emotions.strongest();
                let percentage = |song: &Song| song.emotions.get(strongest(song));
                let place = strongest(a).index().cmp(&strongest(b).index());
                place.then(percentage(b).total_cmp(&percentage(a)))
            }
            Key::Valence => b.valence.total_cmp(&a.valence),
            Key::Arousal => b.arousal.total_cmp(&a.arousal),
            Key::Duration => b.duration_s.total_cmp(&a.duration_s),
            Key::Analyzed => b.analyzed_at.cmp(&a.analyzed_at),
            Key::Percentage(emotion) => b.emotions.get(emotion).total_cmp(&a.emotions.get(emotion)),
        }
    }
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let most = args.n.unwrap_or(usize::MAX);
    let in_order = args.sort.is_none() && !args.reverse;
    let mut songs: Vec<Song> = Vec::new();
    for song in library.songs(COLUMNS) {
        if in_order && songs.len() >= most {
            break;
        }
        songs.push(song?);
    }
    if let Some(key) = args.sort {
        songs.sort_by(|a, b| key.compare(a, b).then_with(|| a.path.cmp(&b.path)));
    }
    if args.reverse {
        songs.reverse();
    }
    songs.truncate(most);
    let text = if args.json {
        json_lines(&songs)?
    } else {
        table(&songs)
    };
    if !text.is_empty() {
        console.print(&text)?;
    }
    if (songs.len() as u64) < library.rows() {
        console.remark(&format!("{} of {} songs", songs.len(), library.rows()));
    }
    done()
}

fn table(songs: &[Song]) -> String {
    let mut table = Table::new(["emotion", ">%", ">valence", ">arousal", "song"]).shrink(4);
    for song in songs {
        let strongest = song.emotions.strongest();
        let numbers = [
            strongest.to_string(),
            format!("{:.1}", song.emotions.get(strongest)),
            format!("{:.2}", song.valence),
            format!("{:.2}", song.arousal),
        ];
        let silent = ["silent", "", "", ""].map(str::to_owned);
        let numbers = if song.silent { silent } else { numbers };
        table.row(
            numbers
                .into_iter()
                .chain([song.unique_path().display().to_string()]),
        );
    }
    table.render(terminal_width())
}

/// A song as JSON.
#[derive(Serialize)]
struct Line<'a> {
    path: Cow<'a, str>,
    track: Option<u32>,
    title: Option<&'a str>,
    artist: Option<&'a str>,
    duration_s: f64,
    emotion: Emotion,
    valence: f32,
    arousal: f32,
    emotions: &'a EmotionVector,
    silent: bool,
    damaged_packets: u64,
    missing_s: f64,
    track_start_s: Option<f64>,
    track_end_s: Option<f64>,
    excerpt_start_s: Option<f64>,
    excerpt_length_s: Option<f64>,
}

fn json_lines(songs: &[Song]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for song in songs {
        text.push_str(&serde_json::to_string(&Line {
            path: song.path.to_string_lossy(),
            track: song.track,
            title: song.title.as_deref(),
            artist: song.artist.as_deref(),
            duration_s: song.duration_s,
            emotion: song.emotions.strongest(),
            valence: song.valence,
            arousal: song.arousal,
            emotions: &song.emotions,
            silent: song.silent,
            damaged_packets: song.damaged_packets,
            missing_s: song.missing_s,
            track_start_s: song.track_start_s,
            track_end_s: song.track_end_s,
            excerpt_start_s: song.excerpt_start_s,
            excerpt_length_s: song.excerpt_length_s,
        })?);
        text.push('\n');
    }
    Ok(text)
}
