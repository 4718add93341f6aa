//! `circumplex export`: a library in other formats, and mood tags in the music files.

mod tags;

use super::{CliError, CliResult, Console, Exit, MappedLibrary, count, visible};
use crate::{
    library::Library,
    output::{Destination, Export, Field, Format, Written, playlist::Lists},
    search::{MeanEmotions, SongVector},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Write a library in another format: Parquet, CSV, JSON, Arrow, NumPy, SQLite, Hugging Face, playlists
#[derive(clap::Args)]
#[command(
    after_help = "The extension of -o gives the format unless --format does: .parquet, .csv, .json, .jsonl (.ndjson), .arrow \
                  (.feather), .npy, .sqlite (.db). With --format huggingface, m3u8, xspf or nsp -o is a directory.\n\
                  \n\
                  Columns, in their order: path, track, track_start_s, track_end_s, size_bytes, modified, duration_s, \
                  sample_rate, channels, channel, codec, decoder, title, artist, album, genre, valence, arousal, emotion (the strongest), the \
                  eight percentages by their names, analyzed_at, windows, content_hash, silent, damaged_packets, missing_s, \
                  excerpt_start_s, excerpt_length_s; and with --with: mood_score, path_bytes, embedding, timeline.\n\
                  \n\
                  npy writes the eight percentages as NAME.npy (float32), the embedding as NAME.embedding.npy, and the other \
                  columns as NAME.index.csv. m3u8 and xspf write a playlist for each emotion: the songs with this strongest \
                  emotion, best first. nsp writes smart playlists for \
                  Navidrome, which list the songs with this mood tag: write the tags too.\n\
                  \n\
                  --write-tags --yes writes the strongest emotion as the mood (ID3 TMOO, Vorbis and MP4 MOOD) and the numbers \
                  as CIRCUMPLEX_* into the music files. Each is replaced by a copy that is verified to hold the same audio and \
                  the same other tags; permissions and modification time are kept, and the library records the new sizes, so \
                  that `circumplex analyze` does not analyze the files again. --remove-tags --yes restores the earlier mood.\n\
                  \n\
                  Examples:\n  \
                    circumplex export -o songs.csv\n  \
                    circumplex export -o songs.parquet --columns path,title,emotion,emotions --with embedding\n  \
                    circumplex export -o playlists --format m3u8 --relative\n  \
                    circumplex export --write-tags"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: MappedLibrary,
    /// Output file or directory; `-` for standard output (csv, json and jsonl)
    #[arg(short, long, value_name = "OUT", required_unless_present_any = ["write_tags", "remove_tags"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Write mood tags into the music files; without --yes, only list what would be written
    #[arg(long, conflicts_with_all = ["output", "format", "columns", "with", "remove_tags"])]
    write_tags: bool,
    /// Remove the mood tags and restore the earlier moods; without --yes, only list what would be removed
    #[arg(long, conflicts_with_all = ["output", "format", "columns", "with"])]
    remove_tags: bool,
    /// Change the files, with --write-tags or --remove-tags
    #[arg(long, conflicts_with = "output")]
    yes: bool,
}

/// The format, columns and songs of an export.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// csv, json, jsonl, parquet, arrow, npy, sqlite, huggingface, m3u8, xspf or nsp [default: by the extension of -o]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only these columns, in this order; `emotions` means the eight percentages
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Further columns: mood_score (0 sad to 1 happy), path_bytes, embedding, timeline
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    with: Vec<String>,
    /// Skip silent songs, whose numbers mean nothing
    #[arg(long)]
    skip_silent: bool,
    /// Playlists: the maximum number of songs of each, the best ones
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    limit: usize,
    /// Playlists: paths relative to their directory
    #[arg(long)]
    relative_paths: bool,
    /// Compare relative to the library: the strongest emotion of a song (`emotion`, playlists, mood tags) is the one whose
    /// percentage is the most times its mean over all songs, so that every emotion is that of some songs
    #[arg(long)]
    relative: bool,
}

impl Selection {
    /// The format of an output.
    pub(crate) fn format(&self, output: &Path) -> Result<Format, CliError> {
        let format = match self.format {
            Some(format) => format,
            None => Format::of_path(output).map_err(|e| {
                format!("{e} (for a directory: --format huggingface, m3u8, xspf or nsp)")
            })?,
        };
        if format == Format::Table {
            bail!("table is a format of `circumplex query`; choose another, such as csv");
        }
        if self.format.is_none() && format.is_playlist() {
            bail!(
                "{}: playlists are a directory with one for each emotion; add --format {format}",
                output.display()
            );
        }
        Ok(format)
    }

    /// The export of `library`.
    pub(crate) fn export<'a>(&self, library: &'a Library) -> Result<Export<'a>, CliError> {
        let parse = |names: &[String]| Field::parse(names.iter().map(String::as_str));
        let mut export = Export::new(library);
        if !self.columns.is_empty() {
            export.columns = parse(&self.columns)?;
        }
        for column in parse(&self.with)? {
            if !export.columns.contains(&column) {
                export.columns.push(column);
            }
        }
        export.skip_silent = self.skip_silent;
        export.list_limit = self.limit;
        export.relative_paths = self.relative_paths;
        export.relative_to = self.relative_to(library)?;
        Ok(export)
    }

    /// The mean of the library, if the strongest emotions are relative to it.
    fn relative_to(&self, library: &Library) -> crate::Result<Option<MeanEmotions>> {
        let mean = || MeanEmotions::of(library, SongVector::Emotions);
        self.relative.then(mean).transpose()
    }

    /// Playlists with these names in a directory.
    pub(crate) fn lists(
        &self,
        format: Format,
        directory: &Path,
        names: impl IntoIterator<Item = String>,
    ) -> crate::Result<Lists> {
        Lists::create(format, directory, names, self.limit, self.relative_paths)
    }
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if args.write_tags || args.remove_tags {
        if args.remove_tags && args.selection.relative {
            bail!("--relative is for the tags that are written: leave it out with --remove-tags");
        }
        let library = args.library.open_filled(console)?;
        let relative_to = args.selection.relative_to(&library)?;
        return tags::run(library, args.write_tags, args.yes, relative_to, console);
    }
    let Some(output) = &args.output else {
        bail!("name the output with -o");
    };
    // Checked before the library is opened.
    let format = args.selection.format(output)?;
    let library = args.library.open_filled(console)?;
    let export = args.selection.export(&library)?;
    write(&export, format, output, library.rows(), console)?;
    if format == Format::Nsp {
        let relative = match args.selection.relative {
            true => " --relative",
            false => "",
        };
        console.remark(&format!(
            "they list the songs with these mood tags, which `circumplex export --write-tags{relative} --yes` writes"
        ));
    }
    Ok(Exit::Success)
}

/// Writes an export with a progress bar and a summary.
pub(crate) fn write(
    export: &Export<'_>,
    format: Format,
    output: &Path,
    rows: u64,
    console: &Console,
) -> Result<(), CliError> {
    let is_stdout = output == Path::new("-");
    let to = if is_stdout {
        Destination::Stream(Box::new(io::stdout()))
    } else {
        Destination::Path(output.to_owned())
    };
    let bar = console.progress(rows, None);
    let written = export.write(format, to, |rows| bar.set_position(rows));
    bar.finish_and_clear();
    if is_stdout {
        written?;
    } else {
        console.remark(&summary(&written?));
    }
    Ok(())
}

pub(crate) fn summary(written: &Written) -> String {
    let name = |file: &PathBuf| visible(&file.display().to_string());
    let names: Vec<String> = written.files.iter().map(name).collect();
    let names = match names.as_slice() {
        [first, .., last] if names.len() > 3 => format!("{first} to {last}"),
        _ => names.join(", "),
    };
    let mut text = format!("wrote {names}: {}", count(written.rows, "song", "songs"));
    if written.skipped > 0 {
        let songs = count(written.skipped, "song", "songs");
        text.push_str(&format!("; {songs} beyond --limit skipped"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_one_line() {
        let written = |files: &[&str], skipped| Written {
            rows: 1,
            files: files.iter().map(PathBuf::from).collect(),
            skipped,
        };
        assert_eq!(summary(&written(&["a.csv"], 0)), "wrote a.csv: 1 song");
        assert_eq!(
            summary(&written(&["a", "b", "c", "d"], 2)),
            "wrote a to d: 1 song; 2 songs beyond --limit skipped"
        );
    }
}
