//! The output of a query: format, file and player.

use crate::{
    atomic_file::{self, directory_of},
    cli::{CliError, Console, Table, terminal_width},
    emotion::Emotion,
    library::{Column, Library},
    output::{
        Cell, Destination, Field, Format, Layout,
        playlist::{Paths, playlist},
        sink,
    },
    search::{Match, SongVector},
};
use arrow_schema::DataType;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub(crate) struct Output {
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
    relative_paths: bool,
    /// Play the songs with the system's player for playlists
    #[arg(long)]
    play: bool,
    /// Open the first song with the system's program for it
    #[arg(long, conflicts_with = "play")]
    open: bool,
}

impl Output {
    /// The file of the output.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// The format, after a check of the options.
    pub(crate) fn format(&self) -> Result<Format, CliError> {
        let format = match (self.format, &self.output) {
            (Some(format), _) => format,
            (None, _) if self.json => Format::Json,
            (None, Some(file)) => Format::of_path(file)?,
            (None, None) => Format::Table,
        };
        if matches!(format, Format::HuggingFace | Format::Nsp) {
            bail!("--format {format} is for `circumplex export`");
        }
        if self.relative_paths && !format.is_playlist() {
            bail!("--relative-paths is for playlists: add --format m3u8 or xspf");
        }
        Ok(format)
    }

    /// Whether it needs title, artist, album and genre.
    pub(crate) fn needs_tags(&self, format: Format) -> bool {
        self.play || format != Format::Table
    }

    /// Writes the songs.
    pub(crate) fn write(
        &self,
        format: Format,
        library: &Library,
        by: SongVector,
        matches: &[Match],
        console: &Console,
    ) -> Result<(), CliError> {
        let file = self.file();
        if format == Format::Table {
            let table = table(matches, by);
            if let Some(file) = file {
                let text = table.render(None);
                atomic_file::write(file, |out| out.write_all(text.as_bytes()))?;
            } else {
                console.print(&table.render(terminal_width()))?;
            }
        } else {
            let to = match file {
                Some(file) => Destination::Path(file.to_owned()),
                None => Destination::Stream(Box::new(io::stdout())),
            };
            let layout = Layout {
                fields: fields(format, library.has_felt()),
                embedding: 0,
                has_felt: library.has_felt(),
                info: library.info(),
                paths: match self.relative_paths {
                    true => Paths::relative_to(directory_of(file.unwrap_or(Path::new(""))))?,
                    false => Paths::Absolute,
                },
            };
            let mut sink = sink(format, to, layout)?;
            for found in matches {
                let rank = Cell::Integer(found.rank as i64);
                let extra = vec![rank, Cell::Double(found.similarity)];
                sink.row(found.song.clone(), extra)?;
            }
            sink.finish()?;
        }
        if let Some(file) = file {
            console.remark(&format!("{}: {} songs", file.display(), matches.len()));
        }
        Ok(())
    }

    /// Plays or opens the songs, if requested.
    pub(crate) fn play(&self, matches: &[Match], console: &Console) -> Result<(), CliError> {
        if !self.play && !self.open {
            return Ok(());
        }
        let Some(first) = matches.first() else {
            bail!("no song was found that could be played");
        };
        if self.play {
            let playlist = temporary_playlist(matches)
                .map_err(|error| format!("cannot write a playlist for the player: {error}"))?;
            open_file(&playlist)?;
            console.remark(&format!("playing {}", playlist.display()));
            return Ok(());
        }
        let path = &first.song.path;
        let shown = path.display();
        if !path.is_file() {
            bail!("{shown}: the file no longer exists; run `circumplex analyze` again");
        }
        open_file(path)?;
        console.remark(&format!("opened {shown}"));
        Ok(())
    }
}

/// The player reads it after this program has ended, so it stays until the system clears its temporary directory.
fn temporary_playlist(matches: &[Match]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("circumplex-")
        .suffix(".m3u8")
        .tempfile()?;
    let songs = matches.iter().map(|found| &found.song);
    let text = playlist(Format::M3u8, None, songs, &Paths::Absolute);
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

fn open_file(path: &Path) -> Result<(), CliError> {
    open::that(path).map_err(|error| {
        format!(
            "{}: cannot open it with the system's program for such files; install one (on Linux xdg-utils and a player), or \
             write a playlist with -o and open that: {error}",
            path.display()
        )
        .into()
    })
}

/// Rank, path, similarity, prediction and tags. JSON has the emotions as one object, and what is felt as another, the other
/// formats a column for each.
fn fields(format: Format, has_felt: bool) -> Vec<Field> {
    let mut fields = vec![
        Field::extra("rank", DataType::Int64, 0),
        Field::Of(Column::Path),
        Field::Of(Column::Track),
        Field::extra("similarity", DataType::Float64, 1),
        Field::Of(Column::Valence),
        Field::Of(Column::Arousal),
    ];
    match format {
        Format::Json | Format::JsonLines => fields.push(Field::Of(Column::Emotions)),
        _ => fields.extend(Emotion::ALL.map(Field::Percentage)),
    }
    match format {
        _ if !has_felt => {}
        Format::Json | Format::JsonLines => fields.push(Field::Of(Column::Felt)),
        _ => fields.extend(Emotion::ALL.map(Field::Felt)),
    }
    fields.extend([Column::Title, Column::Artist, Column::Album, Column::Genre].map(Field::Of));
    fields.push(Field::Of(Column::DurationS));
    fields
}

/// The percentages are those that were compared.
fn table(matches: &[Match], by: SongVector) -> Table {
    let numbers = [">", ">similarity", ">valence", ">arousal"].map(str::to_owned);
    let emotions = Emotion::ALL.map(|emotion| format!(">{:.5}", emotion.name()));
    let columns = [numbers.as_slice(), &emotions, &["song".to_owned()]].concat();
    let mut table = Table::new(columns);
    for found in matches {
        let song = &found.song;
        let mut cells = vec![
            found.rank.to_string(),
            format!("{:.4}", found.similarity),
            format!("{:.2}", song.valence),
            format!("{:.2}", song.arousal),
        ];
        let vector = by.of(song).unwrap_or(song.emotions);
        cells.extend(vector.as_array().map(|p| format!("{p:.1}")));
        cells.push(song.unique_path().display().to_string());
        table.row(cells);
    }
    table
}
