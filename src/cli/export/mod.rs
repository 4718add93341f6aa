//! `circumplex export`: a library in other people's formats.

mod tags;

use super::{
    CliError, CliResult,
    analyze_text::count,
    console::{Console, OutputError},
    exit::Exit,
    library::Libraries,
    table::visible,
};
use crate::{
    library::Library,
    output::{Destination, Export, ExportColumn, ExportError, Format, Lists, Written},
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// Write a library in another format: Parquet with flat columns, CSV, JSON lines, Arrow, NumPy, SQLite, a Hugging Face data set,
/// playlists
#[derive(clap::Args)]
#[command(
    after_help = "The format is that of the name's ending unless --format says it: .parquet, .csv, .jsonl (.ndjson), .arrow \
                  (.feather), .npy, .sqlite (.db). huggingface and m3u8 make a folder.\n\
                  \n\
                  Columns, in their order: path, size_bytes, modified, duration_s, sample_rate, channels, codec, title, artist, \
                  album, genre, valence, arousal, emotion (the strongest), the eight percentages by their names, analyzed_at, \
                  windows, content_hash, note; and with --with: path_bytes, embedding, timeline.\n\
                  \n\
                  npy writes the eight percentages as NAME.npy (float32), the embedding as NAME.embedding.npy, and the rest as \
                  NAME.index.csv. m3u8 writes a list for each emotion: the songs whose strongest it is, best first.\n\
                  \n\
                  --write-tags --yes writes the strongest emotion as the mood (ID3 TMOO, Vorbis and MP4 MOOD) and the numbers as \
                  CIRCUMPLEX_* into the music files. Each is replaced by a copy whose sound and other tags are compared first; \
                  permissions and modification time stay, and the library learns the new sizes, so that `circumplex analyze` \
                  does not hear the files again. A mood that was there is set aside in the file, and --remove-tags --yes \
                  restores it."
)]
pub struct Args {
    #[command(flatten)]
    library: Libraries,
    /// The file or folder to write; `-`: standard output (csv and jsonl)
    #[arg(short, long, value_name = "OUT", required_unless_present_any = ["write_tags", "remove_tags"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// Write mood tags into the music files themselves: with this alone, only say what would be written
    #[arg(long, conflicts_with_all = ["output", "format", "columns", "with", "remove_tags"])]
    write_tags: bool,
    /// Remove the mood tags again, and restore the moods that the files had: with this alone, only say what would be removed
    #[arg(long, conflicts_with_all = ["output", "format", "columns", "with"])]
    remove_tags: bool,
    /// With --write-tags or --remove-tags: do it
    #[arg(long, conflicts_with = "output")]
    yes: bool,
}

/// What of a library is written, and how.
#[derive(clap::Args)]
pub struct What {
    /// parquet, csv, jsonl, arrow, npy, sqlite, huggingface or m3u8; without it, what the name's ending says
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only these columns, in this order; `emotions` stands for the eight percentages
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Further columns: path_bytes, embedding, timeline
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    with: Vec<String>,
    /// Leave out silent songs, whose numbers mean nothing
    #[arg(long)]
    skip_silent: bool,
    /// m3u8: at most so many songs in a list, the best ones
    #[arg(long, value_name = "N", default_value_t = Lists::default().most)]
    limit: usize,
    /// m3u8: paths relative to the folder of the lists
    #[arg(long)]
    relative: bool,
}

impl What {
    /// The format for an output.
    ///
    /// # Errors
    /// [`ExportError::NoFormat`].
    pub fn format(&self, output: &Path) -> Result<Format, ExportError> {
        self.format.map_or_else(|| Format::of_path(output), Ok)
    }

    /// What is taken out of `library`.
    ///
    /// # Errors
    /// [`ExportError::UnknownColumn`].
    pub fn export<'a>(&self, library: &'a Library) -> Result<Export<'a>, ExportError> {
        let parse = |names: &[String]| ExportColumn::parse(names.iter().map(String::as_str));
        let mut export = Export::new(library);
        if !self.columns.is_empty() {
            export.columns = parse(&self.columns)?;
        }
        // Behind the others, but for those that stand there already.
        for column in parse(&self.with)? {
            if !export.columns.contains(&column) {
                export.columns.push(column);
            }
        }
        export.audible = self.skip_silent;
        export.lists = Lists {
            most: self.limit,
            relative: self.relative,
        };
        Ok(export)
    }
}

pub fn run(args: Args, console: &Console) -> CliResult {
    if args.write_tags || args.remove_tags {
        let library = args.library.open_filled()?;
        return tags::run(library, args.write_tags, args.yes, console);
    }
    let Some(output) = &args.output else {
        return Err("say with -o what to write".into());
    };
    // Said before the library is looked at.
    let format = args.what.format(output)?;
    let library = args.library.open_filled()?;
    let export = args.what.export(&library)?;
    write(&export, format, output, &library, console)?;
    Ok(Exit::AllDone)
}

/// Writes an export with a progress bar, and says what was written.
pub fn write(
    export: &Export<'_>,
    format: Format,
    output: &Path,
    library: &Library,
    console: &Console,
) -> Result<(), CliError> {
    let to_stream = output == Path::new("-");
    let failed = Arc::new(OnceLock::new());
    let to = if to_stream {
        Destination::Stream(Box::new(Watched {
            out: io::stdout(),
            failed: failed.clone(),
        }))
    } else {
        Destination::Path(output.to_owned())
    };
    let bar = console.progress(library.rows(), None);
    let written = export.write(format, to, |rows| bar.set_position(rows));
    bar.finish_and_clear();
    let written = match (written, failed.get()) {
        (Ok(written), _) => written,
        // A reader that has left is no complaint.
        (Err(_), Some(kind)) => return Err(OutputError((*kind).into()).into()),
        (Err(error), None) => return Err(error.into()),
    };
    if !to_stream {
        console.remark(&said(&written));
    }
    Ok(())
}

/// Standard output, and why it could not be written: the writers of some formats do not say.
struct Watched {
    out: io::Stdout,
    failed: Arc<OnceLock<io::ErrorKind>>,
}

impl Watched {
    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            // The first one counts.
            let _ = self.failed.set(error.kind());
        })
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.watch(flushed)
    }
}

fn said(written: &Written) -> String {
    let names: Vec<String> = written
        .files
        .iter()
        .map(|file| visible(&file.display().to_string()))
        .collect();
    let names = match names.as_slice() {
        [first, .., last] if names.len() > 3 => format!("{first} to {last}"),
        _ => names.join(", "),
    };
    let mut text = format!("wrote {names}: {}", count(written.rows, "song", "songs"));
    if written.left_out > 0 {
        text.push_str(&format!(
            "; {} behind the best of their list left out (--limit)",
            count(written.left_out, "song", "songs")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_said_in_one_line() {
        let written = |files: &[&str], left_out| Written {
            rows: 1,
            files: files.iter().map(PathBuf::from).collect(),
            left_out,
        };
        assert_eq!(said(&written(&["a.csv"], 0)), "wrote a.csv: 1 song");
        let many = said(&written(&["a", "b", "c", "d"], 2));
        assert!(
            many.starts_with("wrote a to d: 1 song; 2 songs behind"),
            "{many}"
        );
    }
}
