//! In which form the answer is given, and where to.

use super::play;
use crate::{
    atomic_file,
    cli::{
        CliError,
        console::Console,
        table::{Align, Table, terminal_width},
    },
    emotion::{Emotion, EmotionVector},
    output::playlist::{Entry, Paths, write_m3u8, write_xspf},
    search::Match,
};
use clap::ValueEnum;
use serde::Serialize;
use std::{
    borrow::Cow,
    io::{self, Write},
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub struct Output {
    /// The form of the answer [default: as the name of -o says, else a table]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write the answer to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// In a playlist, name files from the folder of -o, so that it can be moved with its music
    #[arg(long)]
    relative: bool,
    /// Hand a playlist of the answer to the system's player
    #[arg(long)]
    play: bool,
    /// Open the first song with the system's program for it
    #[arg(long, conflicts_with = "play")]
    open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
    /// An object a line
    Jsonl,
    /// A line a song, below names
    Csv,
    /// A playlist
    M3u8,
    /// A playlist in XML
    Xspf,
}

impl Format {
    /// What the name of a file says.
    fn of(file: &Path) -> Option<Self> {
        let extension = file.extension()?.to_str()?.to_lowercase();
        Some(match extension.as_str() {
            "txt" => Self::Table,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::Jsonl,
            "csv" => Self::Csv,
            "m3u8" | "m3u" => Self::M3u8,
            "xspf" => Self::Xspf,
            _ => return None,
        })
    }
}

/// The form and place of an answer.
pub struct Plan {
    format: Format,
    file: Option<PathBuf>,
    paths: Paths,
    play: bool,
}

impl Output {
    /// Where the answer goes.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// What is to be written; `many` questions are answered in a form of their own.
    pub fn plan(&self, many: bool) -> Result<Plan, CliError> {
        let asked = self.format.or(self.json.then_some(Format::Json));
        let format = match (asked, &self.output) {
            (Some(format), _) => format,
            (None, Some(file)) if !many => Format::of(file).ok_or_else(|| {
                format!(
                    "{}: the name does not say which form the answer should have; name it .json, .jsonl, .csv, .m3u8 or \
                     .xspf, or say --format",
                    file.display()
                )
            })?,
            _ => Format::Table,
        };
        let paths = match (self.relative, format, &self.output) {
            (false, ..) => Paths::Absolute,
            (true, Format::M3u8 | Format::Xspf, Some(file)) => {
                Paths::beside(file).map_err(|error| {
                    format!("{}: cannot look into its folder: {error}", file.display())
                })?
            }
            (true, Format::M3u8 | Format::Xspf, None) => Paths::relative_to(Path::new("."))?,
            (true, ..) => {
                return Err("--relative is for playlists: say --format m3u8 or xspf".into());
            }
        };
        Ok(Plan {
            format,
            file: self.output.clone(),
            paths,
            play: self.play,
        })
    }

    /// Hands the answer to a player, where that was asked for.
    pub fn play(&self, matches: &[Match], console: &Console) -> Result<(), CliError> {
        if self.play {
            play::play(matches, console)?;
        }
        if self.open {
            play::open_first(matches, console)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Whether title, artist, album and genre are needed.
    pub fn needs_tags(&self) -> bool {
        self.play || self.format != Format::Table
    }

    pub fn write(&self, matches: &[Match], console: &Console) -> Result<(), CliError> {
        match &self.file {
            Some(file) => {
                // A file is as wide as its lines.
                atomic_file::write(file, |out| self.fill(matches, None, out))?;
                console.remark(&format!("{}: {} songs", file.display(), matches.len()));
            }
            None => {
                let mut text = Vec::new();
                self.fill(matches, terminal_width(), &mut text)?;
                let text = String::from_utf8(text)?;
                if !text.is_empty() {
                    console.print(&text)?;
                }
            }
        }
        Ok(())
    }

    fn fill(
        &self,
        matches: &[Match],
        width: Option<usize>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let entries = || matches.iter().map(|found| Entry::from(&found.song));
        match self.format {
            Format::Table => out.write_all(table(matches).render(width).as_bytes()),
            Format::Json => {
                let answers: Vec<Answer<'_>> = matches.iter().map(Answer::new).collect();
                serde_json::to_writer_pretty(&mut *out, &answers)?;
                out.write_all(b"\n")
            }
            Format::Jsonl => matches.iter().try_for_each(|found| {
                serde_json::to_writer(&mut *out, &Answer::new(found))?;
                out.write_all(b"\n")
            }),
            Format::Csv => csv(matches, out),
            Format::M3u8 => write_m3u8(out, None, entries(), &self.paths),
            Format::Xspf => write_xspf(out, None, entries(), &self.paths),
        }
    }
}

fn table(matches: &[Match]) -> Table {
    let mut columns = vec![
        ("", Align::Right),
        ("similarity", Align::Right),
        ("valence", Align::Right),
        ("arousal", Align::Right),
    ];
    let names = Emotion::ALL.map(|emotion| emotion.name().get(..5).unwrap_or(emotion.name()));
    columns.extend(names.map(|name| (name, Align::Right)));
    columns.push(("song", Align::Left));
    let song_column = columns.len() - 1;
    let mut table = Table::new(columns).shrink(song_column);
    for found in matches {
        let song = &found.song;
        let mut cells = vec![
            found.rank.to_string(),
            format!("{:.4}", found.similarity),
            format!("{:.2}", song.valence),
            format!("{:.2}", song.arousal),
        ];
        cells.extend(song.emotions.as_array().map(|p| format!("{p:.1}")));
        cells.push(song.unique_path().display().to_string());
        table.row(cells);
    }
    table
}

/// One song of the answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    rank: usize,
    path: Cow<'a, str>,
    similarity: f64,
    valence: f32,
    arousal: f32,
    emotions: &'a EmotionVector,
    title: Option<&'a str>,
    artist: Option<&'a str>,
    album: Option<&'a str>,
    genre: Option<&'a str>,
    duration_s: f64,
}

impl<'a> Answer<'a> {
    fn new(found: &'a Match) -> Self {
        let song = &found.song;
        Self {
            rank: found.rank,
            path: song.path.to_string_lossy(),
            similarity: found.similarity,
            valence: song.valence,
            arousal: song.arousal,
            emotions: &song.emotions,
            title: song.title.as_deref(),
            artist: song.artist.as_deref(),
            album: song.album.as_deref(),
            genre: song.genre.as_deref(),
            duration_s: song.duration_s,
        }
    }
}

/// The fields of [`Answer`], a column for each emotion; a tag that is absent is empty.
fn csv(matches: &[Match], out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let before = ["rank", "path", "similarity", "valence", "arousal"];
    let behind = ["title", "artist", "album", "genre", "duration_s"];
    let emotions = Emotion::ALL.map(Emotion::name);
    let names = before.iter().chain(&emotions).chain(&behind);
    writer.write_record(names)?;
    for found in matches {
        let answer = Answer::new(found);
        let mut fields = vec![
            answer.rank.to_string(),
            answer.path.into_owned(),
            answer.similarity.to_string(),
            answer.valence.to_string(),
            answer.arousal.to_string(),
        ];
        fields.extend(answer.emotions.as_array().map(|p| p.to_string()));
        let tags = [answer.title, answer.artist, answer.album, answer.genre];
        fields.extend(tags.map(|tag| tag.unwrap_or_default().to_owned()));
        fields.push(answer.duration_s.to_string());
        writer.write_record(&fields)?;
    }
    writer.flush()
}
