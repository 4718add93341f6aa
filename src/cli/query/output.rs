//! The output of a query: format, file and player.

use super::play;
use crate::{
    atomic_file::{self, directory_of},
    cli::{
        CliError,
        console::{Console, stdout_error},
        table::{Align, Table, terminal_width},
    },
    emotion::Emotion,
    library::{Column, Library},
    output::{Destination, ExportColumn, Field, Format, Layout, playlist::Paths, sink},
    search::Match,
};
use arrow_schema::DataType;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Output {
    /// Output format: table, json, jsonl, csv, m3u8, xspf, parquet, arrow, npy or sqlite [default: by the extension of -o, else
    /// table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write the songs to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write playlists with paths relative to the directory of -o, so that it can be moved with its music
    #[arg(long)]
    relative: bool,
    /// Play the songs with the system's player for playlists
    #[arg(long)]
    play: bool,
    /// Open the first song with the system's program for it
    #[arg(long, conflicts_with = "play")]
    open: bool,
}

/// Format and file of an output.
pub struct Plan {
    format: Format,
    file: Option<PathBuf>,
    paths: Paths,
    play: bool,
}

impl Output {
    /// The file of the output.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// Checks the options. The output of `many` queries has a format of its own.
    pub fn plan(&self, many: bool) -> Result<Plan, CliError> {
        let format = match (self.format, &self.output) {
            (Some(format), _) => format,
            (None, _) if self.json => Format::Json,
            (None, Some(file)) if !many => Format::of_path(file)?,
            _ => Format::Table,
        };
        if format == Format::HuggingFace {
            return Err("--format huggingface is for `circumplex export`".into());
        }
        if self.relative && !format.is_playlist() {
            return Err("--relative is for playlists: add --format m3u8 or xspf".into());
        }
        let paths = match &self.output {
            _ if !self.relative => Paths::Absolute,
            Some(file) => Paths::relative_to(directory_of(file)).map_err(|error| {
                format!("{}: cannot open its directory: {error}", file.display())
            })?,
            None => Paths::relative_to(Path::new("."))?,
        };
        Ok(Plan {
            format,
            file: self.output.clone(),
            paths,
            play: self.play,
        })
    }

    /// Plays or opens the songs, if requested.
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
    /// Whether it needs title, artist, album and genre.
    pub fn needs_tags(&self) -> bool {
        self.play || self.format != Format::Table
    }

    pub fn write(
        &self,
        library: &Library,
        matches: &[Match],
        console: &Console,
    ) -> Result<(), CliError> {
        if self.format == Format::Table {
            let width = if self.file.is_some() {
                None
            } else {
                terminal_width()
            };
            let text = table(matches).render(width);
            match &self.file {
                Some(file) => {
                    atomic_file::write(file, |out| std::io::Write::write_all(out, text.as_bytes()))?
                }
                None => console.print(&text)?,
            }
        } else {
            self.write_records(library, matches)?;
        }
        if let Some(file) = &self.file {
            console.remark(&format!("{}: {} songs", file.display(), matches.len()));
        }
        Ok(())
    }

    fn write_records(&self, library: &Library, matches: &[Match]) -> Result<(), CliError> {
        let layout = Layout {
            fields: fields(self.format),
            embedding: 0,
            info: library.info(),
            paths: self.paths.clone(),
        };
        let to = match &self.file {
            Some(file) => Destination::Path(file.clone()),
            None => Destination::Stream(Box::new(std::io::stdout())),
        };
        let write = || {
            let mut sink = sink(self.format, to, layout)?;
            for found in matches {
                let extra = vec![(found.rank as u64).into(), found.similarity.into()];
                sink.row(found.song.clone(), extra)?;
            }
            sink.finish()
        };
        match self.file {
            Some(_) => write()?,
            None => write().map_err(stdout_error)?,
        };
        Ok(())
    }
}

/// Rank, path, similarity, prediction and tags. JSON has the emotions as one object, the other formats a column for each.
fn fields(format: Format) -> Vec<Field> {
    let of = |column| ExportColumn::Of(column).field();
    let mut fields = vec![
        Field::extra("rank", DataType::Int64, 0),
        of(Column::Path),
        of(Column::Track),
        Field::extra("similarity", DataType::Float64, 1),
        of(Column::Valence),
        of(Column::Arousal),
    ];
    match format {
        Format::Json | Format::JsonLines => fields.push(of(Column::Emotions)),
        _ => fields.extend(Emotion::ALL.map(|e| ExportColumn::Percentage(e).field())),
    }
    fields.extend([Column::Title, Column::Artist, Column::Album, Column::Genre].map(of));
    fields.push(of(Column::DurationS));
    fields
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
